package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hymenoptera/internal/machine"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// options are the flags of train, and what config.json keeps of them.
type options struct {
	Model          string    `json:"model"`
	Freeze         bool      `json:"freeze"`
	Probe          bool      `json:"probe"`
	Views          int       `json:"views"`
	Data           string    `json:"data"`
	SkipCorrupt    bool      `json:"skip_corrupt"`
	OnlyClasses    []string  `json:"only_classes,omitempty"`
	ValFraction    float64   `json:"val_fraction,omitempty"`
	Weights        string    `json:"weights"`
	Mirror         mirror    `json:"-"`
	Out            string    `json:"-"`
	Epochs         int       `json:"epochs"`
	BatchSize      int       `json:"batch_size"`
	ImageSize      int       `json:"image_size"`
	NoFlip         bool      `json:"no_flip,omitempty"`
	Workers        int       `json:"workers"`
	Optimizer      string    `json:"optimizer"`
	LR             float64   `json:"lr"`
	Momentum       float64   `json:"momentum"`
	Nesterov       bool      `json:"nesterov"`
	WeightDecay    float64   `json:"weight_decay"`
	Scheduler      string    `json:"scheduler"`
	StepSize       int       `json:"step_size"`
	Gamma          float64   `json:"gamma"`
	LabelSmoothing float64   `json:"label_smoothing"`
	ClassWeights   []float64 `json:"class_weights,omitempty"`
	Balance        string    `json:"balance"`
	Seed           uint64    `json:"seed"`
	Device         string    `json:"device"`
	Threads        int       `json:"threads"`
	Fast           bool      `json:"fast"`
	Deterministic  bool      `json:"deterministic"`
	Cache          string    `json:"-"`
	Overwrite      bool      `json:"-"`
	Beneath        string    `json:"-"`
	Trace          string    `json:"-"`
}

// defaultOptions returns the notebook's settings.
func defaultOptions() options {
	return options{
		Model: "resnet18", Data: defaultData, Weights: defaultWeights,
		Epochs: 25, BatchSize: 32, ImageSize: 224, Workers: 4,
		Optimizer: "sgd", LR: 0.001, Momentum: 0.9, Scheduler: "step", StepSize: 7, Gamma: 0.1,
		Balance: balances[0], Seed: 42, Device: "auto", Threads: machine.This().Threads(), Cache: "auto",
	}
}

// What --optimizer, --scheduler, --balance and --device offer.
var (
	deviceNames = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]{1,4})?)$`)
	optimizers  = []string{"sgd", "adam", "adamw"}
	schedulers  = []string{"step", "cosine", "exponential"}
	balances    = []string{"none", "weights", "sampling"}
)

// addFlags declares the flags, with o's values as defaults.
func (o *options) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.Model, "model", o.Model, "the network: "+strings.Join(zoo.Names(), ", "))
	f.BoolVar(&o.Freeze, "freeze", o.Freeze, "train the new head alone")
	f.BoolVar(&o.Probe, "probe", o.Probe, "with --freeze: compute the frozen network's features once; quicker, and not the notebook's training")
	f.IntVar(&o.Views, "views", o.Views, "random crops of each image to probe, an epoch each in turn; 0 takes the centre")
	f.StringVar(&o.Data, "data", o.Data, "image folder with train/<class>/ and val/<class>/; the default is downloaded")
	f.StringSliceVar(&o.OnlyClasses, "classes", o.OnlyClasses, "the class folders to use, with commas between them (default all)")
	f.Float64Var(&o.ValFraction, "val-fraction", o.ValFraction, "share of each class to validate with where there is no val folder, chosen by --seed")
	f.BoolVar(&o.SkipCorrupt, "skip-corrupt", o.SkipCorrupt, "decode every image first and leave out those that cannot be")
	f.StringVar(&o.Weights, "weights", o.Weights, "file of weights, FILE#PART for one of several state dicts in it, a published name (downloaded), or none")
	o.Mirror.addFlags(f)
	f.StringVar(&o.Out, "out", o.Out, "the run's folder (default runs/<model>-<time>)")
	f.IntVar(&o.Epochs, "epochs", o.Epochs, "passes over the training images")
	f.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "images a step")
	f.IntVar(&o.ImageSize, "image-size", o.ImageSize, "side of the network's input, in pixels")
	f.BoolVar(&o.NoFlip, "no-flip", o.NoFlip, "never mirror training images: for digits, text, left and right hands")
	f.IntVar(&o.Workers, "workers", o.Workers, "goroutines that prepare batches; as in PyTorch their number changes the random crops")
	f.StringVar(&o.Optimizer, "optimizer", o.Optimizer, strings.Join(optimizers, ", "))
	f.Float64Var(&o.LR, "lr", o.LR, "learning rate")
	f.Float64Var(&o.Momentum, "momentum", o.Momentum, "momentum of sgd")
	f.BoolVar(&o.Nesterov, "nesterov", o.Nesterov, "Nesterov momentum for sgd")
	f.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "L2 penalty; for adamw the decoupled decay")
	f.StringVar(&o.Scheduler, "scheduler", o.Scheduler, "of the learning rate: "+strings.Join(schedulers, ", "))
	f.IntVar(&o.StepSize, "step-size", o.StepSize, "epochs between two drops of the step scheduler")
	f.Float64Var(&o.Gamma, "gamma", o.Gamma, "factor of a drop of the step and exponential schedulers")
	f.Float64Var(&o.LabelSmoothing, "label-smoothing", o.LabelSmoothing, "share of a label that is spread over all classes")
	f.Float64SliceVar(&o.ClassWeights, "class-weights", o.ClassWeights, "weight of each class in the loss, in the order of the class folders")
	f.StringVar(&o.Balance, "balance", o.Balance, "for classes of unequal size: weights (in the loss, by size), sampling (draws them equally often), none")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the new head and of everything random after it")
	f.StringVar(&o.Device, "device", o.Device, "auto, cpu, cuda or cuda:N")
	f.IntVar(&o.Threads, "threads", o.Threads, "threads of an operation; changes the last bits of the losses, as in PyTorch")
	f.BoolVar(&o.Fast, "fast", o.Fast, "give up PyTorch's exact bits for speed; accuracy stays")
	f.BoolVar(&o.Deterministic, "deterministic", o.Deterministic, "on a GPU, let an exact training repeat itself bit for bit, as on the CPU it always does")
	f.StringVar(&o.Cache, "cache", o.Cache, "memory for decoded images, the GPU's with --fast on one: auto (a quarter of what is free beyond 2 GB), off, or a size as 500M or 2G")
	f.BoolVar(&o.Overwrite, "overwrite", o.Overwrite, "replace a run that --out holds, once the new one has weights")
	f.StringVar(&o.Beneath, "beneath", o.Beneath, "log of another training to draw beneath the curves: a CSV file with epoch, phase, loss and acc")
	f.StringVar(&o.Trace, "trace", o.Trace, "file for the SHA-256 of every tensor of every step, as scripts/reference.py writes them")
	f.MarkHidden("trace")
	inGroup(f, groupData, "model", "freeze", "probe", "views", "data", "classes", "val-fraction", "skip-corrupt", "weights", "mirror", "insecure-mirror", "image-size", "no-flip")
	inGroup(f, groupTraining, "epochs", "batch-size", "optimizer", "lr", "momentum", "nesterov", "weight-decay",
		"scheduler", "step-size", "gamma", "label-smoothing", "class-weights", "balance", "seed")
	inGroup(f, groupMachine, "fast", "deterministic", "workers", "device", "threads", "cache")
	inGroup(f, groupOutput, "out", "overwrite", "beneath")
	f.Lookup("threads").DefValue = "$OMP_NUM_THREADS, else all processors" // in the help: it must not differ between machines
}

// validate finds what is wrong from the command line alone.
func (o options) validate() error {
	check := func(ok bool, format string, args ...any) error {
		if ok {
			return nil
		}
		return usageError{fmt.Errorf(format, args...)}
	}
	arch, modelErr := zoo.Find(o.Model)
	var weightsErr error
	if modelErr == nil && zoo.IsWeightsName(o.Weights) {
		_, weightsErr = arch.FindWeights(o.Weights)
	}
	_, cacheErr := o.cacheBytes()
	for _, err := range []error{
		cacheErr,
		check(modelErr == nil, "--model: %v", modelErr),
		check(o.Data != "", "--data is empty: want a folder"),
		checkClasses(o.OnlyClasses),
		check(o.ValFraction >= 0 && o.ValFraction < 1, "--val-fraction %v: want more than 0 and less than 1", o.ValFraction),
		check(weightsErr == nil, "--weights: %v", weightsErr),
		check(!o.Mirror.insecure || o.Mirror.address != "", "--insecure-mirror has no effect without --mirror"),
		check(o.Weights != "", "--weights is empty: want a file, a published name, or none"),
		check(o.Epochs >= 1 && o.Epochs <= 1e6, "--epochs %d: want 1 to 1000000", o.Epochs),
		check(o.BatchSize >= 1 && o.BatchSize <= 1<<16, "--batch-size %d: want 1 to 65536", o.BatchSize),
		check(o.ImageSize >= smallest && o.ImageSize <= transforms.MaxSize, "--image-size %d: want %d to %d", o.ImageSize, smallest, transforms.MaxSize),
		check(o.Workers >= 0 && o.Workers <= 256, "--workers %d: want 0 to 256", o.Workers),
		check(o.LR > 0 && o.LR <= 1e6, "--lr %v: want a number above 0, at most 1000000", o.LR),
		check(o.Momentum >= 0 && o.Momentum < 1, "--momentum %v: want 0 or more and less than 1", o.Momentum),
		check(slices.Contains(optimizers, o.Optimizer), "--optimizer %q: want one of %s", o.Optimizer, strings.Join(optimizers, ", ")),
		check(slices.Contains(schedulers, o.Scheduler), "--scheduler %q: want one of %s", o.Scheduler, strings.Join(schedulers, ", ")),
		check(!o.Nesterov || o.Optimizer == "sgd" && o.Momentum > 0, "--nesterov needs --optimizer sgd and a --momentum above 0"),
		check(slices.Contains(balances, o.Balance), "--balance %q: want one of %s", o.Balance, strings.Join(balances, ", ")),
		check(o.Balance != "weights" || o.ClassWeights == nil, "--balance weights and --class-weights both weigh the classes: leave one of them out"),
		check(o.WeightDecay >= 0 && o.WeightDecay <= 1e6, "--weight-decay %v: want 0 to 1000000", o.WeightDecay),
		check(o.LabelSmoothing >= 0 && o.LabelSmoothing < 1, "--label-smoothing %v: want 0 or more and less than 1", o.LabelSmoothing),
		check(!slices.ContainsFunc(o.ClassWeights, func(w float64) bool { return !(w > 0 && w <= 1e6) }), "--class-weights %v: want numbers above 0, at most 1000000", o.ClassWeights),
		check(!o.Probe || o.Freeze, "--probe trains the head alone: add --freeze"),
		check(o.Views == 0 || o.Probe, "--views has no effect without --probe"),
		check(o.Views >= 0 && o.Views <= 1000, "--views %d: want 0 to 1000", o.Views),
		check(!o.Probe || o.Balance != "sampling", "--balance sampling does not go with --probe: take --balance weights"),
		check(!o.Deterministic || !o.Fast, "--deterministic is for exact trainings: leave out --fast, or it"),
		check(o.StepSize >= 1, "--step-size %d: want 1 or more", o.StepSize),
		check(o.Gamma > 0 && o.Gamma <= 1e3, "--gamma %v: want a number above 0, at most 1000", o.Gamma),
		check(deviceNames.MatchString(o.Device), "--device %q: want auto, cpu, cuda or cuda:N", o.Device),
		check(o.Threads >= 1 && o.Threads <= 1024, "--threads %d: want 1 to 1024", o.Threads),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkClasses finds what is wrong with --classes.
func checkClasses(names []string) error {
	switch {
	case len(slices.Compact(slices.Sorted(slices.Values(names)))) < len(names):
		return usageError{fmt.Errorf("--classes %s: a class is named twice", strings.Join(names, ","))}
	case slices.Contains(names, ""):
		return usageError{errors.New("--classes has an empty name: want names of class folders with commas between them")}
	}
	return nil
}
