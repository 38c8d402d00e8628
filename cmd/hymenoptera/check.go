package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hymenoptera/check"
	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/text"
	"hymenoptera/report"
	"hymenoptera/shards"
	"hymenoptera/zoo"
)

// A checking is a check command with its flags.
type checking struct {
	messages        *cli.Messages
	asJSON, strict  bool
	html, excludeTo string
	probe           finetune.Options // with weights: options of the network that looks for wrong labels
}

func newCheck(m *cli.Messages) *cobra.Command {
	c := &checking{messages: m, probe: finetune.DefaultOptions()}
	c.probe.Weights = ""
	cmd := &cobra.Command{
		Use:   "check DATA",
		Short: "Look for what is wrong with a folder of pictures: copies, leaks, unreadable files, odd sizes",
		Long: "Reads every picture of DATA, a folder with train/<class>/ and val/<class>/ or with the class folders themselves. It finds\n" +
			"files that cannot be read, copies (saved again, resized or cropped) within a class, between classes and between train and\n" +
			"val, bursts on both sides of the split, pictures that EXIF data turn, odd sizes, grey classes, hidden folders. With --weights\n" +
			"it also looks for wrong labels. It changes nothing.",
		Example: "  hymenoptera check my_pictures\n" +
			"  hymenoptera check my_pictures --html check.html\n" +
			"  hymenoptera check my_pictures --exclude-to exclude.txt && hymenoptera train --data my_pictures --exclude exclude.txt",
		Args: cli.OneArg("DATA"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), cmd.OutOrStdout(), args[0], cmd.Flags().Changed)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.html, "html", "", "also write a page to this file, with the pictures side by side")
	f.StringVar(&c.excludeTo, "exclude-to", "", "write the pictures to leave out to this file, for train --exclude: unreadable ones, copies, those of train that val has too")
	f.BoolVar(&c.asJSON, "json", false, "print everything as JSON")
	f.BoolVar(&c.strict, "strict", false, "end with exit code 1 if something serious was found")
	f.StringVar(&c.probe.Weights, "weights", "", "look for wrong labels with a network's features: a file of weights, a run, or a published name (downloaded)")
	f.StringVar(&c.probe.Model, "model", c.probe.Model, "network of --weights: "+strings.Join(zoo.Names(), ", ")+"; a run's own is known")
	addMirror(f, &c.probe.Mirror, &c.probe.InsecureMirror)
	cli.Complete(cmd, "model", zoo.Names()...)
	cli.Group(f, cli.GroupData, "weights", "model", "mirror", "insecure-mirror")
	cli.Group(f, cli.GroupOutput, "html", "exclude-to", "json", "strict")
	return cmd
}

func (c *checking) run(ctx context.Context, w io.Writer, data string, given func(flag string) bool) error {
	if err := checkOutputs([]flagPath{{"html", c.html}, {"exclude-to", c.excludeTo}}, c.probe.Weights); err != nil {
		return err
	}
	if shards.Has(data) {
		return cli.Usagef("check reads class folders, not tar shards: check the pictures before they are packed")
	}
	o := check.DefaultOptions()
	o.Data = data
	if c.probe.Weights == "none" {
		return cli.Usagef("--weights none: features of random weights say nothing of labels: leave --weights out, or name trained ones")
	}
	if given("weights") {
		if err := c.probe.Validate(); err != nil {
			return &cli.UsageError{Err: withFlags(err)}
		}
		network, err := finetune.NewCrossValidator(ctx, c.probe, finetune.Hooks{Log: c.messages.Logger(), Download: c.messages.ShowBytes,
			Step: func(_ int, title string, done, n int) { c.messages.ShowImages(title, done, n) }})
		if err != nil {
			return advise(err, c.probe)
		}
		o.Probe = network.Run
	} else if given("model") {
		return cli.Usagef("--model has no effect without --weights")
	}
	bar := func(title string) func(done, n int) {
		return func(done, n int) {
			if c.messages.ShowImages(title, done, n); done == n {
				c.messages.EndBar()
			}
		}
	}
	r, err := check.Run(ctx, o, check.Hooks{Read: bar("reading"), Compare: bar("comparing")})
	c.messages.EndBar()
	if err != nil {
		return advise(err, c.probe)
	}
	if given("weights") && r.Labels == nil {
		c.messages.Warnf("--weights has no effect: to find wrong labels takes two classes, and pictures that are not all copies of each other")
	}
	if given("exclude-to") {
		if err := disk.Replace(disk.OS{}, c.excludeTo, func(w io.Writer) error { return check.WriteList(w, r.LeaveOut()) }); err != nil {
			return fmt.Errorf("--exclude-to: %w", err)
		}
	}
	found := findings(r)
	if given("html") {
		if err := disk.Replace(disk.OS{}, c.html, checkPage(r, found).Write); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	if c.asJSON {
		err = cli.PrintJSON(w, r)
	} else {
		err = c.print(w, r, found)
	}
	if err == nil && c.strict && r.Serious() {
		err = fmt.Errorf("%s has serious faults", text.Printable(data))
	}
	return err
}

// print writes the findings, the most serious first, each with examples and what to do.
func (c *checking) print(w io.Writer, r *check.Report, found []finding) error {
	const examples = 3
	fmt.Fprintf(w, "%s: %s\n", text.Printable(r.Data), summary(r))
	if r.Labels != nil {
		fmt.Fprintln(w, accuracy(r.Labels))
	}
	for _, f := range found {
		mark := "note"
		if f.serious {
			mark = "SERIOUS"
		}
		fmt.Fprintf(w, "\n%s: %s\n", mark, f.title)
		lines := f.lines
		for _, g := range f.groups {
			lines = append(lines, groupLine(g))
		}
		for _, suspect := range f.suspects {
			lines = append(lines, suspect.Path+": "+suspicion(suspect))
		}
		for i, line := range lines {
			if i == examples {
				fmt.Fprintf(w, "    and %d more\n", len(lines)-examples)
				break
			}
			fmt.Fprintf(w, "    %s\n", text.OneLine(line))
		}
		fmt.Fprintf(w, "  %s\n", f.advice)
	}
	if len(found) == 0 {
		fmt.Fprintln(w, "nothing was found")
	} else {
		fmt.Fprintln(w, "\nNothing was changed.")
	}
	switch {
	case c.html != "":
		fmt.Fprintf(w, "%s shows the pictures side by side.\n", text.Printable(c.html))
	case len(found) > 0:
		fmt.Fprintln(w, "--html FILE writes a page with the pictures side by side, --json prints everything.")
	}
	switch out := len(r.LeaveOut()); {
	case c.excludeTo != "" && out == 0:
		fmt.Fprintf(w, "%s lists no picture: there is none to leave out.\n", text.Printable(c.excludeTo))
	case c.excludeTo != "":
		fmt.Fprintf(w, "%s lists %s to leave out: look through it, then train --exclude %s\n", text.Printable(c.excludeTo), plural(out, "picture", "pictures"), cli.Quote(c.excludeTo))
	case out > 0:
		fmt.Fprintf(w, "--exclude-to FILE lists the %s to leave out, and train --exclude FILE uses it.\n", plural(out, "picture", "pictures"))
	}
	return nil
}

// checkPage returns the page of a report.
func checkPage(r *check.Report, found []finding) report.Check {
	const side, most = 200, 400 // pixels of a picture's side; pictures on the page
	page := report.Check{Title: filepath.Base(filepath.Clean(r.Data)), Summary: summary(r)}
	if r.Labels != nil {
		page.Summary += "; " + accuracy(r.Labels)
	}
	left := most
	for _, f := range found {
		shown := report.Finding{Serious: f.serious, Title: f.title, Advice: f.advice, Lines: f.lines}
		for i, g := range f.groups {
			if left < len(g.Pictures) {
				shown.Rest = fmt.Sprintf("and %d more groups, which --json lists", len(f.groups)-i)
				break
			}
			left -= len(g.Pictures)
			shown.Groups = append(shown.Groups, similar(r, g, side))
		}
		for i, suspect := range f.suspects {
			if left--; left < 0 {
				shown.Rest = fmt.Sprintf("and %d more, which --json lists", len(f.suspects)-i)
				break
			}
			shown.Pictures = append(shown.Pictures, report.Shown{Picture: thumbnail(r, suspect.Path, side), Path: suspect.Path, Note: suspicion(suspect)})
		}
		page.Findings = append(page.Findings, shown)
	}
	return page
}

// similar returns a group of pictures for the page.
func similar(r *check.Report, g check.Group, side int) report.Similar {
	s := report.Similar{Title: fmt.Sprintf("alike to %.2f", g.Alike)}
	if g.Exact {
		s.Title = "equal files"
	}
	for _, p := range g.Pictures {
		shown := report.Shown{Path: p.Path, Note: fmt.Sprintf("%d×%d pixels", p.Width, p.Height)}
		if p.LeaveOut {
			shown.Note += ", to leave out"
		}
		shown.Picture = thumbnail(r, p.Path, side)
		s.Pictures = append(s.Pictures, shown)
	}
	return s
}

// thumbnail returns a small picture of a file, or nil if the file can no longer be read.
func thumbnail(r *check.Report, path string, side int) *report.Embedded {
	m, err := check.Thumbnail(filepath.Join(r.Data, filepath.FromSlash(path)), side)
	if err != nil {
		return nil
	}
	return report.Embed(m)
}
