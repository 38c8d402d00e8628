package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/metrics"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// defaultThreads is the default of --threads in the help, which must not differ between machines.
const defaultThreads = "$OMP_NUM_THREADS, else $GOMAXPROCS, else all processors"

// addOptions declares the flags of o, with o's values as defaults.
func addOptions(f *pflag.FlagSet, o *finetune.Options) {
	f.SortFlags = false
	f.StringVar(&o.Model, "model", o.Model, "network: "+strings.Join(zoo.Names(), ", "))
	f.BoolVar(&o.Freeze, "freeze", o.Freeze, "train only the new head")
	f.BoolVar(&o.Probe, "probe", o.Probe, "with --freeze: compute the frozen network's features once; quicker, and not the notebook's training")
	f.IntVar(&o.Views, "views", o.Views, "with --probe: random crops of each image, of which each epoch uses the next; 0 uses the centre")
	f.StringVar(&o.Data, "data", o.Data, "image folder with train/<class>/ and val/<class>/, or a folder or an address with tar shards (see pack); the default is downloaded")
	f.StringSliceVar(&o.OnlyClasses, "classes", o.OnlyClasses, "the class folders to use, with commas between them (default all)")
	f.StringVar(&o.Exclude, "exclude", o.Exclude, "file with a list of images to leave out, paths below --data, as check --exclude-to writes it")
	f.Float64Var(&o.ValFraction, "val-fraction", o.ValFraction, "share of each class to validate with if there is no val folder, chosen by --seed; copies of an image and bursts stay on one side")
	f.BoolVar(&o.SkipCorrupt, "skip-corrupt", o.SkipCorrupt, "decode every image first and leave out those that cannot be decoded")
	f.StringVar(&o.Weights, "weights", o.Weights, "file of weights, FILE#PART for one of several state dicts in it, a run (its head stays if the classes are the same), a published name (downloaded), or none")
	addMirror(f, &o.Mirror, &o.InsecureMirror)
	f.IntVar(&o.ImageSize, "image-size", o.ImageSize, "side of the network's input, in pixels")
	f.BoolVar(&o.ExifRotate, "exif-rotate", o.ExifRotate, "turn pictures upright by their EXIF data, which cameras and telephones write; predict, eval and serve do the same")
	f.StringVar(&o.Augment, "augment", o.Augment, "changes of training images: none, flip, light (flip, colours, rotation), trivial (flip, torchvision's TrivialAugmentWide, erasing)")
	f.BoolVar(&o.NoFlip, "no-flip", o.NoFlip, "never mirror training images: for digits, text, left and right hands")
	cli.Group(f, cli.GroupData, "model", "freeze", "probe", "views", "data", "classes", "exclude", "val-fraction", "skip-corrupt", "weights", "mirror", "insecure-mirror", "image-size", "exif-rotate", "augment", "no-flip")

	f.StringVar(&o.Recipe, "recipe", o.Recipe, "notebook, or auto: choose options that suit the images, except those that are given")
	f.IntVar(&o.Epochs, "epochs", o.Epochs, "passes over the training images")
	f.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "images per step")
	f.StringVar(&o.Optimizer, "optimizer", o.Optimizer, strings.Join(finetune.Optimizers(), ", "))
	f.Float64Var(&o.LR, "lr", o.LR, "learning rate")
	f.Float64Var(&o.LayerDecay, "layer-decay", o.LayerDecay, "factor of the learning rate from each stage of the network to the one before it: below 1 the first layers learn slowest")
	f.IntVar(&o.HeadEpochs, "head-epochs", o.HeadEpochs, "epochs that train only the new head, before every layer is trained")
	f.Float64Var(&o.ClipGradNorm, "clip-grad-norm", o.ClipGradNorm, "upper bound of the norm of all gradients together; 0 for none")
	f.BoolVar(&o.SyncBN, "sync-bn", o.SyncBN, "of several processes: BatchNorm takes the statistics of all batches of a step together, for small ones")
	f.Float64Var(&o.EMA, "ema", o.EMA, "decay of a moving average of the weights, such as 0.99, which is validated and saved instead of them; 0 for none")
	f.Float64Var(&o.Momentum, "momentum", o.Momentum, "momentum of sgd")
	f.BoolVar(&o.Nesterov, "nesterov", o.Nesterov, "Nesterov momentum for sgd")
	f.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "L2 penalty; for adamw the decoupled decay")
	f.StringVar(&o.Scheduler, "scheduler", o.Scheduler, "of the learning rate: "+strings.Join(finetune.Schedulers(), ", "))
	f.IntVar(&o.StepSize, "step-size", o.StepSize, "epochs between two drops of the step scheduler")
	f.Float64Var(&o.Gamma, "gamma", o.Gamma, "factor of a drop of the step and exponential schedulers")
	f.IntVar(&o.WarmUp, "warmup", o.WarmUp, "with cosine: steps in which the learning rate rises from a tenth; afterwards it falls at every step instead of every epoch")
	f.StringVar((*string)(&o.Best), "best", string(o.Best), "which epoch's weights are kept: "+strings.Join(metrics.Rules(), ", ")+"; of equal accuracies the first, else of equals the one with the lower loss")
	f.IntVar(&o.Patience, "patience", o.Patience, "end the training after this many epochs without a better one; 0 for never")
	f.Float64Var(&o.LabelSmoothing, "label-smoothing", o.LabelSmoothing, "share of each label that is spread over all classes")
	f.Var((*cli.Floats)(&o.ClassWeights), "class-weights", "weight of each class in the loss, in the order of the class folders")
	f.StringVar(&o.Balance, "balance", o.Balance, "for classes of unequal size: weights (weigh the loss by size), sampling (draw classes equally often), none")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the new head and of everything random after it")
	cli.Group(f, cli.GroupTraining, "recipe", "epochs", "batch-size", "optimizer", "lr", "layer-decay", "head-epochs", "clip-grad-norm", "sync-bn", "ema", "momentum", "nesterov", "weight-decay",
		"scheduler", "step-size", "gamma", "warmup", "best", "patience", "label-smoothing", "class-weights", "balance", "seed")

	f.IntVar(&o.Workers, "workers", o.Workers, "goroutines that prepare batches; as in PyTorch their number changes the random crops")
	f.StringVar(&o.Device, "device", o.Device, "auto, cpu, cuda or cuda:N")
	f.IntVar(&o.Threads, "threads", o.Threads, "threads of an operation; changes the last bits of the losses, as in PyTorch")
	f.BoolVar(&o.Fast, "fast", o.Fast, "give up PyTorch's exact bits for speed; accuracy stays")
	f.BoolVar(&o.Deterministic, "deterministic", o.Deterministic, "on a GPU, make an exact training repeat itself bit for bit, as it always does on the CPU")
	f.StringVar(&o.Cache, "cache", o.Cache, "memory for decoded images (the GPU's, with --fast on one): auto (a quarter of the free memory beyond 2 GB), off, or a size such as 500M or 2G")
	cli.Group(f, cli.GroupMachine, "workers", "device", "threads", "fast", "deterministic", "cache")
	f.Lookup("threads").DefValue = defaultThreads

	f.StringVar(&o.Out, "out", o.Out, "the run's folder (default runs/<model>-<time>)")
	f.IntVar(&o.CheckpointEvery, "checkpoint-every", o.CheckpointEvery, "training steps between two checkpoints, beside those after epochs and at signals; 0 for none")
	f.BoolVar(&o.Overwrite, "overwrite", o.Overwrite, "replace a run that --out holds, once the new one has weights")
	f.StringVar(&o.Beneath, "beneath", o.Beneath, "log of another training to draw beneath the curves: a CSV file with columns epoch, phase, loss and acc")
	cli.Group(f, cli.GroupOutput, "out", "checkpoint-every", "overwrite", "beneath")
}

// resumeOut is the value of --resume if none is given: the run in --out is resumed.
const resumeOut = "--out"

// addResume declares --resume.
func addResume(f *pflag.FlagSet, resume *string) {
	f.StringVar(resume, "resume", "", "go on with the run in this folder, or in that of --out, from its last checkpoint; auto starts the run of --out or goes on with it")
	f.Lookup("resume").NoOptDefVal = resumeOut
	cli.Group(f, cli.GroupOutput, "resume")
}

// addMirror declares the flags of an address that replaces the published one.
func addMirror(f *pflag.FlagSet, address *string, insecure *bool) {
	f.StringVar(address, "mirror", *address, "address to download from instead of https://download.pytorch.org")
	f.BoolVar(insecure, "insecure-mirror", *insecure, "allow downloads over http://, from --mirror or as --data, of files whose whole hash is not known")
}

// completeOptions registers the values of flags for the shell's completion.
func completeOptions(cmd *cobra.Command) {
	cli.Complete(cmd, "model", zoo.Names()...)
	cli.Complete(cmd, "recipe", finetune.Recipes()...)
	cli.Complete(cmd, "augment", transforms.Degrees...)
	cli.Complete(cmd, "optimizer", finetune.Optimizers()...)
	cli.Complete(cmd, "scheduler", finetune.Schedulers()...)
	cli.Complete(cmd, "best", metrics.Rules()...)
	cli.Complete(cmd, "balance", finetune.Balances()...)
	cli.Complete(cmd, "device", "auto", "cpu", "cuda")
	cmd.MarkFlagDirname("data")
	cmd.MarkFlagDirname("out")
}

// checkEffects returns an error for flags that were given but have no effect with the other flags.
func checkEffects(f *pflag.FlagSet, o finetune.Options) error {
	for _, c := range []struct {
		flag    string
		effect  bool
		without string
	}{
		{"momentum", o.Optimizer == "sgd", "--optimizer " + o.Optimizer},
		{"nesterov", o.Optimizer == "sgd", "--optimizer " + o.Optimizer},
		{"step-size", o.Scheduler == "step", "--scheduler " + o.Scheduler},
		{"no-flip", !o.Probe || o.Views > 0, "--probe of the centre"},
		{"no-flip", o.Augment != "none", "--augment none"},
		{"augment", !o.Probe || o.Views > 0, "--probe of the centre"},
		{"sync-bn", o.Group != nil, "one process"},
		{"gamma", o.Scheduler != "cosine", "--scheduler " + o.Scheduler},
	} {
		if f.Changed(c.flag) && !c.effect {
			return cli.Usagef("--%s has no effect with %s: leave one of them out", c.flag, c.without)
		}
	}
	return nil
}

// commandLine returns the command that repeats a run, with the options that differ from the defaults, or whose defaults
// depend on the machine.
func commandLine(o finetune.Options) string {
	always := []string{"model", "data", "weights", "epochs", "seed", "threads"}
	notOfARun := []string{"recipe", "out", "overwrite", "beneath", "cache", "checkpoint-every"} // these do not change the results
	defaults := finetune.DefaultOptions()
	f := pflag.NewFlagSet("hymenoptera train", pflag.ContinueOnError)
	addOptions(f, &defaults)
	defaults = o // the flags then have o's values
	return cli.CommandLine(f, always, notOfARun)
}
