package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/checkpoint"
	"hymenoptera/hub"
	"hymenoptera/zoo"
)

// The tutorial's photographs, with the hash that the tutorials' own script compares
// (github.com/pytorch/tutorials/.jenkins/download_data.py).
var tutorialData = hub.File{URL: "https://download.pytorch.org/tutorial/hymenoptera_data.zip",
	SHA256: "fbc41b31d544714d18dd1230b1e2b455e1557766e13e67f9f5a7a23af7c02209", Size: 47_286_322}

const (
	tutorialTop    = "hymenoptera_data"      // the zip's one folder
	defaultData    = "data/hymenoptera_data" // where train looks for it
	defaultWeights = "IMAGENET1K_V1"         // what the notebook trains from
)

// notebookModels are what download weights fetches when it is not told.
var notebookModels = []string{"resnet18", "googlenet"}

// A downloads is a download command with its flags.
type downloads struct {
	messages     *messages
	mirror       mirror
	list, remove bool
	weights, dir string
}

func newDownload(m *messages) *cobra.Command {
	d := &downloads{messages: m}
	cmd := &cobra.Command{
		Use:   "download",
		Short: "Fetch published weights or the tutorial's photographs",
		Long: "Fetches weights into PyTorch's own cache ($TORCH_HOME, else $XDG_CACHE_HOME/torch, else ~/.cache/torch),\n" +
			"where Python finds them too, and the tutorial's photographs into a folder. Every file is compared with\n" +
			"its whole SHA-256, but for the weights of resnet101, resnet152's IMAGENET1K_V2 and googlenet, of which only\n" +
			"the 8 digits in the name are published: they show a file that broke on the way, not one that somebody\n" +
			"made, so that a mirror of these must be https:// or this machine, unless --insecure-mirror is given. A download that\n" +
			"was stopped goes on where it was. Proxies are those of the environment: HTTPS_PROXY and NO_PROXY.",
		Example: "  hymenoptera download weights resnet18 googlenet\n" +
			"  hymenoptera download data\n" +
			"  hymenoptera download --list",
		Args: usage(cobra.MatchAll(d.check, noArgs)),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.list {
				return d.writeList(cmd, zoo.Names(), defaultData)
			}
			if d.remove {
				return usageError{errors.New("remove what: download weights --remove, or download data --remove")}
			}
			return cmd.Help()
		},
	}
	f := cmd.PersistentFlags()
	d.mirror.addFlags(f)
	f.BoolVar(&d.list, "list", false, "show what there is, and what is here")
	f.BoolVar(&d.remove, "remove", false, "remove it from this machine")
	cmd.AddCommand(d.newWeights(), d.newData())
	return cmd
}

// check finds flags that contradict each other.
func (d *downloads) check(*cobra.Command, []string) error {
	switch {
	case d.list && d.remove:
		return errors.New("--list and --remove do not go together")
	case d.mirror.insecure && d.mirror.address == "":
		return errors.New("--insecure-mirror has no effect without --mirror")
	}
	return nil
}

func (d *downloads) newWeights() *cobra.Command {
	cmd := &cobra.Command{
		Use:       "weights [MODEL…]",
		Short:     "Fetch published weights, by default the notebook's",
		Example:   "  hymenoptera download weights resnet50 --weights IMAGENET1K_V2",
		ValidArgs: zoo.Names(),
		Args:      usage(cobra.MatchAll(d.check, validModels)),
		RunE: func(cmd *cobra.Command, models []string) error {
			if d.list {
				if len(models) == 0 {
					models = zoo.Names()
				}
				return d.writeList(cmd, models, "")
			}
			if len(models) == 0 {
				models = notebookModels
			}
			return d.eachWeights(cmd, models)
		},
	}
	cmd.Flags().StringVar(&d.weights, "weights", defaultWeights, "torchvision's name of the weights, or "+zoo.DefaultWeights+" for a model's best")
	return cmd
}

// validModels wants names of networks.
func validModels(cmd *cobra.Command, args []string) error {
	for _, a := range args {
		if _, err := zoo.Find(a); err != nil {
			return err
		}
	}
	return nil
}

func (d *downloads) newData() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "data",
		Short:   "Fetch the tutorial's photographs of ants and bees",
		Example: "  hymenoptera download data --dir data/hymenoptera_data",
		Args:    usage(cobra.MatchAll(d.check, noArgs)),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.list {
				return d.writeList(cmd, nil, d.dir)
			}
			if !d.remove {
				if err := fetchData(cmd.Context(), d.dir, d.mirror, newProgress(d.messages)); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), d.dir)
				return err
			}
			removed, err := hub.RemoveFolder(cmd.Context(), hub.DefaultConfig(), d.dir)
			return reportRemoved(cmd, d.dir, removed, err)
		},
	}
	cmd.Flags().StringVar(&d.dir, "dir", defaultData, "folder for train/ and val/")
	return cmd
}

// eachWeights fetches or removes the weights of models, after a look at all names.
func (d *downloads) eachWeights(cmd *cobra.Command, models []string) error {
	var all []zoo.Weights
	for _, model := range models {
		arch, err := zoo.Find(model)
		if err != nil {
			return usageError{err}
		}
		w, err := arch.FindWeights(d.weights)
		if err != nil {
			return usageError{fmt.Errorf("--weights: %w", err)}
		}
		all = append(all, w)
	}
	for _, w := range all {
		if !d.remove {
			path, err := fetchWeights(cmd.Context(), w, d.mirror, newProgress(d.messages))
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), path)
			continue
		}
		path, err := cachePath(w)
		if err != nil {
			return err
		}
		removed, err := hub.Remove(cmd.Context(), hub.DefaultConfig(), path)
		if err := reportRemoved(cmd, path, removed, err); err != nil {
			return err
		}
	}
	return nil
}

func reportRemoved(cmd *cobra.Command, path string, removed bool, err error) error {
	if err != nil {
		return err
	}
	what := "is not here"
	if removed {
		what = "removed"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", path, what)
	return err
}

// writeList writes a line for every weights of models, and for the data where dir is not empty.
func (d *downloads) writeList(cmd *cobra.Command, models []string, dir string) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, model := range models {
		arch, err := zoo.Find(model)
		if err != nil {
			return usageError{err}
		}
		for _, weights := range arch.Weights {
			path, err := cachePath(weights)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", model, weights.Name, here(path), path)
		}
	}
	if dir != "" {
		fmt.Fprintf(w, "data\t%s\t%s\t%s\n", tutorialTop, here(dir), dir)
	}
	return w.Flush()
}

// here says what of a download is on this machine.
func here(path string) string {
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return "here"
		}
		return hub.Bytes(info.Size())
	}
	if hub.Begun(path) {
		return "begun"
	}
	return "-"
}

// cachePath returns where PyTorch keeps the file of weights.
func cachePath(w zoo.Weights) (string, error) {
	dir, err := hub.CheckpointDir(os.Getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, w.FileName()), nil
}

// fetchWeights brings weights into PyTorch's cache and returns their path.
func fetchWeights(ctx context.Context, w zoo.Weights, m mirror, p *progress) (string, error) {
	path, err := cachePath(w)
	if err != nil {
		return "", err
	}
	cfg, file, err := p.config(w.File(), m)
	if err != nil {
		return "", err
	}
	cfg.MaxBytes = 1 << 29 // the largest has 242 MB
	_, err = hub.Fetch(ctx, cfg, file, path)
	p.end()
	return path, m.advise(err)
}

// fetchData makes the folder dir of the tutorial's photographs, unless it is there.
func fetchData(ctx context.Context, dir string, m mirror, p *progress) error {
	cfg, file, err := p.config(tutorialData, m)
	if err != nil {
		return err
	}
	_, missing := os.Stat(filepath.Dir(dir))
	_, err = hub.FetchFolder(ctx, cfg, file, tutorialTop, dir, hub.DefaultLimits())
	p.end()
	if err != nil && errors.Is(missing, os.ErrNotExist) {
		os.Remove(filepath.Dir(dir)) // fails where a part of the download stays in it
	}
	return m.advise(err)
}

// dataFolder returns the folder of --data. The tutorial's photographs are fetched when the folder is the one
// they belong into and is not there.
func (o options) dataFolder(ctx context.Context, p *progress) (string, error) {
	if filepath.Clean(o.Data) != filepath.FromSlash(defaultData) {
		return o.Data, nil
	}
	if err := fetchData(ctx, o.Data, o.Mirror, p); err != nil {
		return "", fmt.Errorf("%w; --data takes any other folder", err)
	}
	return o.Data, nil
}

// weightsFile returns the file of --weights: the one it names, or that of the published weights it names,
// which is fetched when it is not there.
func (o options) weightsFile(ctx context.Context, arch zoo.Arch, p *progress) (string, error) {
	if !zoo.IsWeightsName(o.Weights) {
		path, _ := checkpoint.Split(o.Weights)
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			if file, err := trainedFile(o.Weights); err == nil {
				return file, nil
			}
			return o.Weights, nil // a folder of something else, which checkpoint refuses
		}
		if zoo.IsWeightsName(strings.ToUpper(o.Weights)) {
			return "", usageError{fmt.Errorf("--weights %s: the name of the published weights is %s", o.Weights, strings.ToUpper(o.Weights))}
		}
		return "", fmt.Errorf("--weights: no file %s: want a file, a published name (%s), or none", o.Weights, defaultWeights)
	}
	w, err := arch.FindWeights(o.Weights)
	if err != nil {
		return "", usageError{fmt.Errorf("--weights: %w", err)}
	}
	path, err := fetchWeights(ctx, w, o.Mirror, p)
	if err != nil {
		return "", fmt.Errorf("%w, or pass --weights FILE", err)
	}
	return path, nil
}
