package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/finetune"
	"hymenoptera/hub"
	"hymenoptera/internal/cli"
	"hymenoptera/zoo"
)

// A downloads is a download command with its flags.
type downloads struct {
	messages     *cli.Messages
	mirror       string
	insecure     bool
	list, remove bool
	weights, dir string
}

func newDownload(m *cli.Messages) *cobra.Command {
	d := &downloads{messages: m}
	cmd := &cobra.Command{
		Use:   "download",
		Short: "Fetch published weights or the tutorial's photographs",
		Long: "Fetches weights into PyTorch's own cache ($TORCH_HOME, else $XDG_CACHE_HOME/torch, else ~/.cache/torch),\n" +
			"where Python finds them too, and the tutorial's photographs into a folder. Every file must match its whole\n" +
			"SHA-256, except the weights of resnet101, resnet152's IMAGENET1K_V2 and googlenet: for these only the 8 digits\n" +
			"in their names are published, which show a broken file but not a forged one. A mirror for these must be\n" +
			"https:// or this machine, unless --insecure-mirror is given. An interrupted download resumes. Proxies come\n" +
			"from the environment: HTTPS_PROXY and NO_PROXY.",
		Example: "  hymenoptera download weights resnet18 googlenet\n" +
			"  hymenoptera download data\n" +
			"  hymenoptera download --list",
		Args: cobra.MatchAll(d.check, cli.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.list {
				return printDownloads(cmd.OutOrStdout(), zoo.Names(), finetune.DefaultData)
			}
			if d.remove {
				return cli.Usagef("--remove: name weights or data, as in: hymenoptera download weights --remove")
			}
			return cmd.Help()
		},
	}
	f := cmd.PersistentFlags()
	addMirror(f, &d.mirror, &d.insecure)
	f.BoolVar(&d.list, "list", false, "list the files, and say which are on this machine")
	f.BoolVar(&d.remove, "remove", false, "remove the files from this machine")
	cmd.AddCommand(d.newWeights(), d.newData())
	return cmd
}

// check returns an error for flags that contradict each other.
func (d *downloads) check(*cobra.Command, []string) error {
	switch {
	case d.list && d.remove:
		return cli.Usagef("--list and --remove do not go together")
	case d.insecure && d.mirror == "":
		return cli.Usagef("--insecure-mirror: has no effect without --mirror")
	}
	return nil
}

func (d *downloads) config() hub.Config {
	cfg := hub.DefaultConfig()
	cfg.Mirror, cfg.AllowHTTP = d.mirror, d.insecure
	cfg.Log, cfg.Progress = func(line string) { d.messages.Infof("%s", line) }, d.messages.ShowBytes
	return cfg
}

func (d *downloads) newWeights() *cobra.Command {
	cmd := &cobra.Command{
		Use:       "weights [MODEL…]",
		Short:     "Fetch published weights, by default the notebook's",
		Example:   "  hymenoptera download weights resnet50 --weights IMAGENET1K_V2",
		ValidArgs: zoo.Names(),
		Args:      d.check,
		RunE: func(cmd *cobra.Command, models []string) error {
			switch {
			case d.list && len(models) == 0:
				models = zoo.Names()
			case len(models) == 0:
				models = []string{"resnet18", "googlenet"}
			}
			var all []zoo.Weights // found before the first download begins
			for _, model := range models {
				arch, err := zoo.Find(model)
				if err != nil {
					return &cli.UsageError{Err: err}
				}
				w, err := arch.FindWeights(d.weights)
				if err != nil && !d.list {
					return cli.Usagef("--weights: %w", err)
				}
				all = append(all, w)
			}
			if d.list {
				return printDownloads(cmd.OutOrStdout(), models, "")
			}
			for _, w := range all {
				if err := d.one(cmd, w); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&d.weights, "weights", finetune.DefaultWeights, "torchvision's name of the weights, or "+zoo.DefaultWeights+" for a model's best")
	return cmd
}

// one downloads or removes weights.
func (d *downloads) one(cmd *cobra.Command, w zoo.Weights) error {
	if !d.remove {
		path, err := w.Fetch(cmd.Context(), d.config())
		return d.printFetched(cmd.OutOrStdout(), path, err)
	}
	path, err := w.CachePath()
	if err != nil {
		return err
	}
	removed, err := hub.Remove(cmd.Context(), hub.DefaultConfig(), path)
	return printRemoved(cmd.OutOrStdout(), path, removed, err)
}

func (d *downloads) newData() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "data",
		Short:   "Fetch the tutorial's photographs of ants and bees",
		Example: "  hymenoptera download data --dir data/hymenoptera_data",
		Args:    cobra.MatchAll(d.check, cli.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case d.list:
				return printDownloads(cmd.OutOrStdout(), nil, d.dir)
			case d.remove:
				removed, err := hub.RemoveFolder(cmd.Context(), hub.DefaultConfig(), d.dir)
				return printRemoved(cmd.OutOrStdout(), d.dir, removed, err)
			}
			return d.printFetched(cmd.OutOrStdout(), d.dir, finetune.FetchTutorial(cmd.Context(), d.dir, d.config()))
		},
	}
	cmd.Flags().StringVar(&d.dir, "dir", finetune.DefaultData, "folder for train/ and val/")
	return cmd
}

// printFetched prints the path of a finished download.
func (d *downloads) printFetched(w io.Writer, path string, err error) error {
	d.messages.EndBar()
	if err == nil {
		_, err = fmt.Fprintln(w, path)
	}
	return adviseMirror(err)
}

func printRemoved(w io.Writer, path string, removed bool, err error) error {
	if err != nil {
		return err
	}
	what := "is not here"
	if removed {
		what = "removed"
	}
	_, err = fmt.Fprintf(w, "%s %s\n", path, what)
	return err
}

// printDownloads prints a line for each of the models' published weights, and one for the data unless dir is empty.
func printDownloads(out io.Writer, models []string, dir string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, model := range models {
		arch, err := zoo.Find(model)
		if err != nil {
			return err
		}
		for _, weights := range arch.Weights {
			path, err := weights.CachePath()
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", model, weights.Name, hub.State(path), path)
		}
	}
	if dir != "" {
		fmt.Fprintf(w, "data\thymenoptera_data\t%s\t%s\n", hub.State(dir), dir)
	}
	return w.Flush()
}
