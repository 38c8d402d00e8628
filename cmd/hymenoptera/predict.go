package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/regular"
	"hymenoptera/internal/text"
)

// A prediction is a predict command with its flags.
type prediction struct {
	use
	top           int
	asJSON, asCSV bool
	filesFrom     string
	sortInto      string
	link          bool
	messages      *cli.Messages
}

func newPredict(m *cli.Messages) *cobra.Command {
	p := prediction{top: 3, messages: m}
	cmd := &cobra.Command{
		Use:   "predict IMAGE|DIR|PATTERN|-…",
		Short: "Classify pictures",
		Long: "Classifies files, all pictures in and under folders, those that match a quoted pattern such as '*.jpg', and with -\n" +
			"the picture on standard input. Any number of pictures takes the same memory. For files that cannot be read it\n" +
			"prints a warning, and the exit code is 1.",
		Example: "  hymenoptera predict --checkpoint runs/bees/best.safetensors garden.jpg holidays/\n" +
			"  hymenoptera predict --checkpoint runs/bees/best.safetensors --precision 0.99 --sort-into sorted holidays/\n" +
			"  find . -name '*.jpg' | hymenoptera predict --checkpoint runs/bees/best.safetensors --files-from - --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if p.filesFrom != "" && len(args) == 0 {
				return nil
			}
			return cli.SomeArgs("IMAGE, DIR, PATTERN or -")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(args); err != nil {
				return err
			}
			return p.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	p.addFlags(cmd)
	p.addTTA(cmd)
	f := cmd.Flags()
	f.StringVar(&p.filesFrom, "files-from", "", "file with a path per line, or - for standard input: pictures beside those that are named")
	f.IntVar(&p.batch, "batch-size", p.batch, "pictures per step")
	f.IntVar(&p.top, "top", p.top, "classes to name per picture")
	f.BoolVar(&p.asJSON, "json", false, "print an object per line, with the logits of all classes")
	f.BoolVar(&p.asCSV, "csv", false, "print comma-separated values")
	f.StringVar(&p.sortInto, "sort-into", "", "copy each picture into a folder of its class below this one, or into "+unsure)
	f.BoolVar(&p.link, "link", false, "make hard links with --sort-into, not copies")
	cli.Group(f, cli.GroupData, "files-from")
	cli.Group(f, cli.GroupMachine, "batch-size")
	cli.Group(f, cli.GroupOutput, "top", "json", "csv", "sort-into", "link")
	cmd.MarkFlagFilename("files-from")
	cmd.MarkFlagDirname("sort-into")
	return cmd
}

// check returns an error for a mistake in the command line.
func (p *prediction) check(args []string) error {
	if err := p.use.check(); err != nil {
		return err
	}
	stdin := slices.Contains(args, "-")
	switch {
	case p.top < 1:
		return cli.Usagef("--top %d: want 1 or more", p.top)
	case p.asJSON && p.asCSV:
		return cli.Usagef("--json and --csv do not go together")
	case stdin && p.filesFrom == "-":
		return cli.Usagef("standard input is either a picture (-) or a list (--files-from -)")
	case stdin && p.sortInto != "":
		return cli.Usagef("--sort-into: the picture on standard input has no file to be copied")
	case p.link && p.sortInto == "":
		return cli.Usagef("--link: has no effect without --sort-into")
	}
	if err := checkInputs(flagPath{"files-from", p.filesFrom}); err != nil {
		return err
	}
	for _, arg := range args {
		if err := p.checkMixing(arg); err != nil {
			return err
		}
		if advice := fetchFirst(arg); advice != "" {
			return cli.Usagef("%s: %s", text.Printable(arg), advice)
		}
	}
	return nil
}

// checkMixing returns an error if path is below the folder of --sort-into, or above it.
func (p *prediction) checkMixing(path string) error {
	if p.sortInto != "" && (within(p.sortInto, path) || within(path, p.sortInto)) {
		return cli.Usagef("--sort-into %s: its pictures and those of %s would mix: name a folder elsewhere", text.Printable(p.sortInto), text.Printable(path))
	}
	return nil
}

// fetchFirst returns an instruction for a path that is a URL, or "" for others.
func fetchFirst(path string) string {
	scheme, _, ok := strings.Cut(path, "://")
	if !ok || exists(path) {
		return ""
	}
	return fmt.Sprintf("predict reads files: fetch it first, as with curl -o picture.jpg %s://…", text.Printable(scheme))
}

func (p *prediction) run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	c, err := p.open(ctx, p.messages)
	if err != nil {
		return err
	}
	defer c.Close()
	sorter, err := p.sorter(c)
	if err != nil {
		return err
	}
	args = matching(args)
	known, left := dataset.CountPictures(args)
	sayLeftOut(p.messages, left)
	t := newTally(c.Classes)
	list, failed := p.list(args, stdin)
	pictures := classify.Pictures(ctx, list, stdin, func(err error) { t.unlisted = append(t.unlisted, err) })
	printOne := p.printer(stdout, c)
	for r, err := range c.Stream(ctx, pictures, fitting(p.batch, c, p.messages), p.threads) {
		if err != nil {
			return err
		}
		t.done++
		if !cli.Terminal(stdout) && p.filesFrom == "" { // two do not share a terminal
			p.messages.ShowImages("predict", t.done, known)
		}
		if r.Err != nil {
			t.bad++
			p.messages.Warnf("%v", named(r))
			continue
		}
		top := r.Top(p.top)
		answer := top[0]
		if r.Unsure {
			answer = len(c.Classes)
		}
		t.counts[answer]++
		if err := putInto(sorter, r.Name, answer); err != nil {
			return err
		}
		if err := printOne(r.Name, top, r.Prediction); err != nil {
			return err
		}
	}
	p.messages.EndBar()
	t.warn(p.messages)
	if err := failed(); err != nil {
		return fmt.Errorf("--files-from: %w", err)
	}
	if t.done == 0 && p.filesFrom != "" && len(t.unlisted) == 0 {
		return fmt.Errorf("--files-from %s: the list names no pictures", p.filesFrom)
	}
	t.say(p.messages)
	return t.failure()
}

// printer returns the printer for the format of --format.
func (p *prediction) printer(w io.Writer, c *classify.Classifier) printer {
	switch {
	case p.asJSON:
		return printJSON(w, c)
	case p.asCSV:
		return printCSV(w, c)
	}
	return printTable(w, c)
}

// sorter returns the sorter into the folders of --sort-into, or nil without that flag.
func (p *prediction) sorter(c *classify.Classifier) (*classify.Sorter, error) {
	if p.sortInto == "" {
		return nil, nil
	}
	folders := slices.Clone(c.Classes)
	if c.Cut.Threshold > 0 {
		if slices.Contains(folders, unsure) {
			return nil, fmt.Errorf("--sort-into: a class is named %s, as the folder of unsure pictures: leave --threshold and --precision out", unsure)
		}
		folders = append(folders, unsure)
	}
	s, err := classify.NewSorter(p.sortInto, folders, p.link)
	if err != nil {
		return nil, fmt.Errorf("--sort-into: %w", err)
	}
	return s, nil
}

// putInto copies a picture into the folder of its answer, if there is a sorter.
func putInto(s *classify.Sorter, name string, answer int) error {
	if s == nil {
		return nil
	}
	_, err := s.Put(name, answer)
	if errors.Is(err, syscall.EXDEV) {
		err = fmt.Errorf("%w; leave --link out, so that the pictures are copied", err)
	}
	if err != nil {
		return fmt.Errorf("--sort-into: %w", err)
	}
	return nil
}

// matching replaces patterns in args with the files that match. It keeps names of files, and patterns that match nothing.
func matching(args []string) (out []string) {
	for _, arg := range args {
		if files, err := filepath.Glob(arg); err == nil && len(files) > 0 && !exists(arg) {
			out = append(out, files...)
		} else {
			out = append(out, arg)
		}
	}
	return out
}

// within reports whether path is a folder that exists, or lies in it.
func within(path, folder string) bool {
	if !regular.IsFolder(folder) {
		return false
	}
	path, errPath := filepath.Abs(path)
	folder, errFolder := filepath.Abs(folder)
	rel, err := filepath.Rel(folder, path)
	return errPath == nil && errFolder == nil && err == nil && filepath.IsLocal(rel)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// list yields args, then the lines of --files-from. failed returns an error in reading these lines.
func (p *prediction) list(args []string, stdin io.Reader) (paths iter.Seq[string], failed func() error) {
	var err error
	return func(yield func(string) bool) {
		for _, arg := range args {
			if !yield(arg) {
				return
			}
		}
		if p.filesFrom == "" {
			return
		}
		in := stdin
		if p.filesFrom != "-" {
			var f *os.File
			if f, err = os.Open(p.filesFrom); err != nil {
				return
			}
			defer f.Close()
			in = f
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			line := lines.Text()
			if err = p.checkMixing(line); err != nil || line != "" && !yield(line) {
				return
			}
		}
		err = lines.Err()
	}, func() error { return err }
}

// named returns a picture's error with its name, but not twice.
func named(r classify.Result) error {
	if advice := fetchFirst(r.Name); advice != "" {
		return fmt.Errorf("%s: %s", r.Name, advice)
	}
	var path *os.PathError
	if errors.As(r.Err, &path) {
		return fmt.Errorf("%s: %w", r.Name, path.Err)
	}
	return fmt.Errorf("%s: %w", r.Name, r.Err)
}
