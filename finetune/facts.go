package finetune

import (
	"context"
	"fmt"
	"image"
	"io/fs"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/text"
	"hymenoptera/internal/version"
	"hymenoptera/report"
	"hymenoptera/torch"
)

// How many pictures of a set a summary reads, enough for the smallest, middle and largest ones, and how many skipped files it
// names.
const (
	mostLooked  = 500
	mostSkipped = 20
)

// summarise adds counts and sizes of the images to the page.
func (r *reporter) summarise(ctx context.Context) {
	train, val := r.set.train, r.set.val
	r.page.Train = report.DataSet{Images: train.Counts(), Sizes: sizes(ctx, train)}
	r.page.Val = report.DataSet{Images: val.Counts(), Sizes: sizes(ctx, val)}
	if !train.Sharded() {
		r.page.Skipped = skipped(train.Root)
	}
	if val.Root != train.Root {
		r.page.Skipped = append(r.page.Skipped, skipped(val.Root)...)
	}
	r.page.Skipped = append(r.page.Skipped, r.set.skipped...)
	if rest := len(r.page.Skipped) - mostSkipped; rest > 0 {
		r.page.Skipped = append(r.page.Skipped[:mostSkipped], fmt.Sprintf("and %d more", rest))
	}
}

// sizes reads the headers of pictures all over the set.
func sizes(ctx context.Context, set *dataset.ImageFolder) report.Sizes {
	var found []image.Point
	n := min(len(set.Samples), mostLooked)
	step := len(set.Samples)
	if set.Sharded() {
		step = n // only the first one: the others can be far apart on the disk
	}
	for i := range n {
		if w, h, err := set.Samples[i*step/n].Dimensions(ctx); err == nil {
			found = append(found, image.Pt(w, h))
		}
	}
	if len(found) == 0 {
		return report.Sizes{}
	}
	slices.SortStableFunc(found, func(a, b image.Point) int { return a.X*a.Y - b.X*b.Y })
	return report.Sizes{Looked: len(found), Smallest: found[0], Median: found[len(found)/2], Most: found[len(found)-1]}
}

// skipped lists the files under root whose names are not those of pictures.
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

// fields lists the options of the run with their values, for a report.
func (o Options) fields() (fields []report.Field) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || name == "choices" {
			continue
		}
		if value := strings.Trim(fmt.Sprint(reflect.ValueOf(o).FieldByIndex(f.Index)), "[]"); value != "" {
			fields = append(fields, report.Field{Name: name, Value: value})
		}
	}
	return fields
}

// differences lists the options whose values differ from the notebook's, with both values.
func (o Options) differences() (fields []report.Field) {
	notebook := map[string]string{}
	defaults := DefaultOptions()
	defaults.Data, defaults.Out, defaults.Device, defaults.Threads, defaults.Workers = o.Data, o.Out, o.Device, o.Threads, o.Workers
	for _, f := range defaults.fields() {
		notebook[f.Name] = f.Value
	}
	for _, f := range o.fields() {
		switch was, ok := notebook[f.Name]; {
		case !ok:
			fields = append(fields, f)
		case was != f.Value:
			fields = append(fields, report.Field{Name: f.Name, Value: fmt.Sprintf("%s (the notebook: %s)", f.Value, was)})
		}
	}
	return fields
}

// machineFields lists hardware and versions.
func machineFields(device torch.Device, threads int) []report.Field {
	m := machine.This()
	fields := []report.Field{
		{Name: "device", Value: device.String()},
		{Name: "processor", Value: fmt.Sprintf("%s, %d of %d threads used", m.Processor(), threads, m.Processors())},
		{Name: "memory", Value: text.GB(m.Memory())},
	}
	if gpu := m.GPU(device.Index()); gpu != "" {
		fields = append(fields, report.Field{Name: "GPU", Value: gpu})
	}
	return append(fields,
		report.Field{Name: "hymenoptera", Value: version.Own},
		report.Field{Name: "libtorch", Value: torch.Version() + ", " + torch.CPUCapability()},
		report.Field{Name: "gotch", Value: version.Gotch()},
		report.Field{Name: "Go", Value: runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH},
	)
}
