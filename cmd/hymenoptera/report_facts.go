package main

import (
	"bufio"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/report"
	"hymenoptera/torch"
)

// How much of a set a summary looks at: enough for its smallest, middle and largest pictures.
const (
	mostLooked  = 500
	mostSkipped = 20
)

// summarise fills in what the folders hold.
func (r *reporter) summarise() {
	sets := [2]*report.DataSet{&r.page.Train, &r.page.Val}
	for i, set := range r.job.sets {
		sets[i].Images, sets[i].Sizes = set.Counts(), sizes(set)
		if i == 0 || set.Root != r.job.sets[0].Root {
			r.page.Skipped = append(r.page.Skipped, skipped(set.Root)...)
		}
	}
	r.page.Skipped = append(r.page.Skipped, r.job.skipped...)
	if rest := len(r.page.Skipped) - mostSkipped; rest > 0 {
		r.page.Skipped = append(r.page.Skipped[:mostSkipped], fmt.Sprintf("and %d more", rest))
	}
}

// sizes reads the headers of pictures all over the set.
func sizes(set *dataset.ImageFolder) report.Sizes {
	var found []image.Point
	n := min(len(set.Samples), mostLooked)
	for i := range n {
		if w, h, err := dataset.FileSize(set.Samples[i*len(set.Samples)/n].Path); err == nil {
			found = append(found, image.Pt(w, h))
		}
	}
	if len(found) == 0 {
		return report.Sizes{}
	}
	slices.SortStableFunc(found, func(a, b image.Point) int { return a.X*a.Y - b.X*b.Y })
	return report.Sizes{Looked: len(found), Smallest: found[0], Median: found[len(found)/2], Most: found[len(found)-1]}
}

// skipped lists the files under root that are no pictures by their name.
func skipped(root string) (names []string) {
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (!dataset.IsImage(d.Name()) || filepath.Dir(path) == filepath.Clean(root)) {
			if rel, err := filepath.Rel(filepath.Dir(root), path); err == nil {
				names = append(names, filepath.ToSlash(rel))
			}
		}
		return nil
	})
	return names
}

// flags returns o's flags with its values.
func (o options) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("train", pflag.ContinueOnError)
	o.addFlags(f)
	return f
}

// notOfARun are the flags that say nothing about what a training computes.
var notOfARun = []string{"out", "overwrite", "trace", "beneath", "cache"}

// fields lists the options for a report.
func (o options) fields() (fields []report.Field) {
	o.flags().VisitAll(func(f *pflag.Flag) {
		if value := o.exact(f); !slices.Contains(notOfARun, f.Name) && value != "" {
			fields = append(fields, report.Field{Name: f.Name, Value: value})
		}
	})
	return fields
}

// command returns the line that repeats a run: what differs from the defaults, and what they take from the
// machine.
func (o options) command() string {
	always := []string{"model", "data", "weights", "epochs", "seed", "threads"}
	defaults := defaultOptions()
	lines := []string{"hymenoptera train"}
	o.flags().VisitAll(func(f *pflag.Flag) {
		value := o.exact(f)
		if slices.Contains(notOfARun, f.Name) || value == defaults.exact(defaults.flags().Lookup(f.Name)) && !slices.Contains(always, f.Name) {
			return
		}
		if f.Value.Type() == "bool" {
			lines = append(lines, "--"+f.Name+"="+value)
			return
		}
		lines = append(lines, "--"+f.Name+" "+shellQuote(value))
	})
	return strings.Join(lines, " \\\n  ")
}

// exact returns a flag's value as it is typed.
func (o options) exact(f *pflag.Flag) string {
	if f.Name == "class-weights" { // pflag cuts their digits
		var weights []string
		for _, w := range o.ClassWeights {
			weights = append(weights, strconv.FormatFloat(w, 'g', -1, 64))
		}
		return strings.Join(weights, ",")
	}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return f.Value.String()
}

// shellQuote writes s so that a shell reads it as one word.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,:=+@", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// machineFields lists hardware and versions.
func machineFields(device torch.Device, threads int) []report.Field {
	fields := []report.Field{
		{Name: "device", Value: device.String()},
		{Name: "processor", Value: fmt.Sprintf("%s, %d of %d threads used", colonValue("/proc/cpuinfo", "model name"), threads, machine.This().Processors())},
		{Name: "memory", Value: memory()},
	}
	if gpus, _ := filepath.Glob("/proc/driver/nvidia/gpus/*/information"); device != torch.CPU && device.Index() < len(gpus) {
		fields = append(fields, report.Field{Name: "GPU", Value: colonValue(gpus[device.Index()], "Model")})
	}
	return append(fields,
		report.Field{Name: "hymenoptera", Value: version},
		report.Field{Name: "libtorch", Value: torch.Version() + ", " + torch.CPUCapability()},
		report.Field{Name: "gotch", Value: gotchVersion()},
		report.Field{Name: "Go", Value: runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH},
	)
}

// colonValue returns what stands behind "key :" in a file of the kernel's.
func colonValue(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

// memory returns how much the process may use.
func memory() string {
	bytes := machine.This().Memory()
	if bytes == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}

// peakMemory returns the most memory that the process has had, in bytes.
func peakMemory() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Maxrss) * 1024
}

// A terminalStyle says what may be written to a person.
type terminalStyle struct{ bars, colours bool }

// styleOf returns bars for terminals that show UTF-8, colours for those where NO_COLOR is not set
// (no-color.org).
func styleOf(m *messages) terminalStyle {
	if !m.bars() {
		return terminalStyle{}
	}
	locale := strings.ToLower(firstSet("LC_ALL", "LC_CTYPE", "LANG"))
	return terminalStyle{
		bars:    strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8"),
		colours: os.Getenv("NO_COLOR") == "",
	}
}

func firstSet(names ...string) string {
	for _, n := range names {
		if v := os.Getenv(n); v != "" {
			return v
		}
	}
	return ""
}

// paint colours text as its phase is coloured in the report.
func (t terminalStyle) paint(phase, text string) string {
	if !t.colours {
		return text
	}
	code := map[string]string{"train": "34", "val": "33"}[phase]
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
