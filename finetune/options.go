package finetune

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hymenoptera/classify"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/regular"
	"hymenoptera/metrics"
	"hymenoptera/shards"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// Options are the options of a training. Those with a JSON name are stored in config.json and in the metadata of a
// checkpoint. Begin with [DefaultOptions].
type Options struct {
	Recipe             string       `json:"recipe"`                 // one of Recipes
	Choices            []Choice     `json:"choices,omitempty"`      // set by Train: those of the recipe auto
	Model              string       `json:"model"`                  // a name of package zoo's
	Freeze             bool         `json:"freeze"`                 // train only the new head
	Probe              bool         `json:"probe"`                  // with Freeze: compute the frozen network's features once
	Views              int          `json:"views"`                  // with Probe: random crops of each image, which the epochs use in turn; 0 uses the centre
	Data               string       `json:"data,omitempty"`         // folder with train/<class>/ and val/<class>/; see DefaultData
	SkipCorrupt        bool         `json:"skip_corrupt"`           // leave out the images that cannot be decoded
	OnlyClasses        []string     `json:"only_classes,omitempty"` // nil for all
	Exclude            string       `json:"exclude,omitempty"`      // file with a list of images to leave out, as package check writes it; "" for none
	ValFraction        float64      `json:"val_fraction,omitempty"` // share of each class to validate with, if there is no val folder
	Weights            string       `json:"weights"`                // a file, FILE#PART, a published name (downloaded), or none
	Epochs             int          `json:"epochs"`
	BatchSize          int          `json:"batch_size"`            // images per step
	ImageSize          int          `json:"image_size"`            // side of the network's input, in pixels
	ExifRotate         bool         `json:"exif_rotate,omitempty"` // turn pictures upright by their EXIF data
	NoFlip             bool         `json:"no_flip,omitempty"`     // never mirror training images
	Augment            string       `json:"augment"`               // changes of training images: one of transforms.Degrees
	Workers            int          `json:"workers"`               // goroutines that prepare batches; their number changes the random crops
	Optimizer          string       `json:"optimizer"`             // one of Optimizers
	LR                 float64      `json:"lr"`
	LayerDecay         float64      `json:"layer_decay"`              // factor of the rate from each stage of the network to the one before it; 1 for equal rates
	ClipGradNorm       float64      `json:"clip_grad_norm,omitempty"` // upper bound of the total norm of the gradients; 0 for none
	SyncBN             bool         `json:"sync_bn,omitempty"`        // BatchNorm with the statistics of all processes of Group
	EMA                float64      `json:"ema,omitempty"`            // decay of an average of the weights, which is validated and saved instead of them; 0 for none
	HeadEpochs         int          `json:"head_epochs,omitempty"`    // epochs that train only the head, before every layer is trained
	Momentum           float64      `json:"momentum"`                 // for sgd
	Nesterov           bool         `json:"nesterov"`                 // for sgd
	WeightDecay        float64      `json:"weight_decay"`
	Scheduler          string       `json:"scheduler"`          // one of Schedulers
	StepSize           int          `json:"step_size"`          // epochs between two drops of the step scheduler
	Gamma              float64      `json:"gamma"`              // factor of a drop of the step and exponential schedulers
	WarmUp             int          `json:"warmup,omitempty"`   // steps in which the rate rises to LR, before a cosine schedule by step
	Best               metrics.Rule `json:"best"`               // which epoch's weights are kept: one of metrics.Rules
	Patience           int          `json:"patience,omitempty"` // the training ends after this many epochs without a better one; 0 for never
	classify.Criterion              // label smoothing and class weights
	Balance            string       `json:"balance"`       // one of Balances, for classes of unequal size
	Seed               uint64       `json:"seed"`          // of the new head and of everything random after it
	Device             string       `json:"device"`        // auto, cpu, cuda or cuda:N
	Threads            int          `json:"threads"`       // for one operation; changes the last bits of the losses
	Fast               bool         `json:"fast"`          // give up PyTorch's exact bits for speed
	Deterministic      bool         `json:"deterministic"` // on a GPU, repeat an exact training bit for bit

	Group           Group  `json:"-"` // the processes that train together; nil for one
	Out             string `json:"-"` // the run's folder; "" for runs/<model>-<time>
	Overwrite       bool   `json:"-"` // replace a run that Out holds
	Cache           string `json:"-"` // memory for decoded images: auto, off, or a size such as 500M
	CheckpointEvery int    `json:"-"` // training steps between two checkpoints, beside those after epochs; 0 for none
	Beneath         string `json:"-"` // CSV log of another training to draw beneath the curves; "" for none
	Mirror          string `json:"-"` // address to use instead of https://download.pytorch.org; "" for none
	InsecureMirror  bool   `json:"-"` // allow downloads from a mirror without TLS of files whose whole hash is not known

	// Fixed names options, by their JSON names, that the recipe auto leaves as they are.
	Fixed []string `json:"-"`
}

// DefaultData is the folder of the tutorial's photographs of ants and bees, which are downloaded if it is not there.
const DefaultData = "data/hymenoptera_data"

// DefaultWeights are the published weights that the notebook starts from.
const DefaultWeights = "IMAGENET1K_V1"

// DefaultOptions returns the notebook's settings.
func DefaultOptions() Options {
	return Options{
		Recipe: Recipes()[0], Model: "resnet18", Data: DefaultData, Weights: DefaultWeights,
		Epochs: 25, BatchSize: 32, ImageSize: 224, Augment: "flip", Workers: 4,
		Optimizer: "sgd", LR: 0.001, LayerDecay: 1, Momentum: 0.9, Scheduler: "step", StepSize: 7, Gamma: 0.1,
		Balance: "none", Best: metrics.ByAccuracy, Seed: 42, Device: "auto", Threads: machine.This().Threads(), Cache: "auto",
	}
}

// DefaultOut returns a folder for a run of a name that begins now: runs/<name>-<time>.
func DefaultOut(name string) string {
	return filepath.Join("runs", name+"-"+time.Now().Format("20060102-150405"))
}

// Recipes returns the values of Options.Recipe: notebook, which leaves the options as they are, and auto, for which [Train]
// chooses options that suit the images, the network and the weights, except those that Options.Fixed names.
func Recipes() []string { return []string{"notebook", "auto"} }

// Optimizers returns the values of Options.Optimizer.
func Optimizers() []string { return []string{"sgd", "adam", "adamw"} }

// Schedulers returns the values of Options.Scheduler.
func Schedulers() []string { return []string{"step", "cosine", "exponential"} }

// Balances returns the values of Options.Balance: none, weights in the loss by the size of the class, or sampling that
// draws the classes equally often.
func Balances() []string { return []string{"none", "weights", "sampling"} }

// smallest is the least image size, which the networks reduce to a single pixel.
const smallest = 32

var deviceNames = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]{1,4})?)$`)

// An OptionError is a mistake in an option.
type OptionError struct {
	Option  string // its JSON name, such as batch_size; for options without one, such as out
	Value   string // "" for none
	Problem string
	Other   string // the JSON name of an option to add to the end of Problem; "" for none
}

func (e *OptionError) Error() string {
	return e.Text(func(option string) string { return option })
}

// Text returns the text of the error; name returns the name of an option.
func (e *OptionError) Text(name func(option string) string) string {
	s := name(e.Option)
	if e.Value != "" {
		s += " " + e.Value
	}
	s += ": " + e.Problem
	if e.Other != "" {
		s += " " + name(e.Other)
	}
	return s
}

// Validate returns an [*OptionError] if an option has an invalid value, or two options contradict each other.
func (o Options) Validate() error {
	if o.Recipe == "auto" && o.Choices == nil { // a checkpoint has the choices, but not Fixed
		o = o.chooseFirst()
	}
	arch, err := zoo.Find(o.Model)
	if err != nil {
		return &OptionError{Option: "model", Problem: err.Error()}
	}
	if zoo.IsWeightsName(o.Weights) {
		if _, err := arch.FindWeights(o.Weights); err != nil {
			return &OptionError{Option: "weights", Problem: err.Error()}
		}
	}
	if published := strings.ToUpper(o.Weights); published != o.Weights && zoo.IsWeightsName(published) {
		return &OptionError{Option: "weights", Value: o.Weights, Problem: "the name of the published weights is " + published}
	}
	if err := CheckClasses(o.OnlyClasses); err != nil {
		return err
	}
	for _, c := range []struct {
		ok             bool
		option         string
		value          any // nil for none
		problem, other string
	}{
		{o.Data != "", "data", nil, "want a folder", ""},
		{o.ValFraction >= 0 && o.ValFraction < 1, "val_fraction", o.ValFraction, "want more than 0 and less than 1", ""},
		{!o.InsecureMirror || o.Mirror != "" || shards.IsAddress(o.Data), "insecure_mirror", nil, "has no effect without", "mirror"},
		{o.Weights != "", "weights", nil, "want a file, a published name, or none", ""},
		{o.Epochs >= 1 && o.Epochs <= 1e6, "epochs", o.Epochs, "want 1 to 1000000", ""},
		{o.BatchSize >= 1 && o.BatchSize <= 1<<16, "batch_size", o.BatchSize, "want 1 to 65536", ""},
		{o.ImageSize >= smallest && o.ImageSize <= transforms.MaxSize, "image_size", o.ImageSize, fmt.Sprintf("want %d to %d", smallest, transforms.MaxSize), ""},
		{o.Workers >= 0 && o.Workers <= 256, "workers", o.Workers, "want 0 to 256", ""},
		{o.LR > 0 && o.LR <= 1e6, "lr", o.LR, "want a number above 0, at most 1000000", ""},
		{o.LayerDecay > 0 && o.LayerDecay <= 1, "layer_decay", o.LayerDecay, "want a number above 0, at most 1", ""},
		{o.LayerDecay == 1 || !o.Freeze, "layer_decay", o.LayerDecay, "has no effect on the head, which is all that is trained with", "freeze"},
		{o.WarmUp >= 0 && o.WarmUp <= 1e9, "warmup", o.WarmUp, "want 0 to 1000000000", ""},
		{o.WarmUp == 0 || o.Scheduler == "cosine", "warmup", o.WarmUp, "goes with cosine: see", "scheduler"},
		{o.ClipGradNorm >= 0 && o.ClipGradNorm <= 1e6, "clip_grad_norm", o.ClipGradNorm, "want 0 to 1000000", ""},
		{o.EMA >= 0 && o.EMA < 1, "ema", o.EMA, "want 0 or more and less than 1", ""},
		{o.HeadEpochs == 0 || !o.Freeze, "head_epochs", o.HeadEpochs, "has no effect with", "freeze"},
		{o.HeadEpochs >= 0 && o.HeadEpochs < max(o.Epochs, 1), "head_epochs", o.HeadEpochs, "want 0 or more, and fewer than", "epochs"},
		{o.Momentum >= 0 && o.Momentum < 1, "momentum", o.Momentum, "want 0 or more and less than 1", ""},
		{slices.Contains(Recipes(), o.Recipe), "recipe", strconv.Quote(o.Recipe), "want one of " + strings.Join(Recipes(), ", "), ""},
		{slices.Contains(transforms.Degrees, o.Augment), "augment", strconv.Quote(o.Augment), "want one of " + strings.Join(transforms.Degrees, ", "), ""},
		{slices.Contains(Optimizers(), o.Optimizer), "optimizer", strconv.Quote(o.Optimizer), "want one of " + strings.Join(Optimizers(), ", "), ""},
		{slices.Contains(Schedulers(), o.Scheduler), "scheduler", strconv.Quote(o.Scheduler), "want one of " + strings.Join(Schedulers(), ", "), ""},
		{slices.Contains(Balances(), o.Balance), "balance", strconv.Quote(o.Balance), "want one of " + strings.Join(Balances(), ", "), ""},
		{slices.Contains(metrics.Rules(), string(o.Best)), "best", strconv.Quote(string(o.Best)), "want one of " + strings.Join(metrics.Rules(), ", "), ""},
		{o.Patience >= 0 && o.Patience <= 1e6, "patience", o.Patience, "want 0 to 1000000", ""},
		{!o.Nesterov || o.Optimizer == "sgd" && o.Momentum > 0, "nesterov", nil, "needs sgd and a momentum above 0: see", "optimizer"},
		{o.Balance != "weights" || o.ClassWeights == nil, "balance", o.Balance, "weighs the classes, as does", "class_weights"},
		{o.WeightDecay >= 0 && o.WeightDecay <= 1e6, "weight_decay", o.WeightDecay, "want 0 to 1000000", ""},
		{o.LabelSmoothing >= 0 && o.LabelSmoothing < 1, "label_smoothing", o.LabelSmoothing, "want 0 or more and less than 1", ""},
		{!slices.ContainsFunc(o.ClassWeights, func(w float64) bool { return !(w > 0 && w <= 1e6) }), "class_weights", o.ClassWeights, "want numbers above 0, at most 1000000", ""},
		{!o.Probe || o.Freeze, "probe", nil, "trains only the head, and needs", "freeze"},
		{o.Views == 0 || o.Probe, "views", o.Views, "has no effect without", "probe"},
		{o.Views >= 0 && o.Views <= 1000, "views", o.Views, "want 0 to 1000", ""},
		{!o.Probe || o.Balance != "sampling", "balance", o.Balance, "does not go with", "probe"},
		{!o.Probe || o.Group == nil, "probe", nil, "trains a head, which one process does: leave out the others", ""},
		{o.Balance != "sampling" || o.Group == nil, "balance", o.Balance, "draws from all images, which several processes share: want weights or none", ""},
		{o.Recipe != "auto" || o.Group == nil, "recipe", o.Recipe, "chooses for one process: run it there for one epoch, and give several processes the options that it prints", ""},
		{!o.Deterministic || !o.Fast, "deterministic", nil, "is for exact trainings, and does not go with", "fast"},
		{o.CheckpointEvery >= 0, "checkpoint_every", o.CheckpointEvery, "want 0 or more", ""},
		{o.StepSize >= 1, "step_size", o.StepSize, "want 1 or more", ""},
		{o.Gamma > 0 && o.Gamma <= 1e3, "gamma", o.Gamma, "want a number above 0, at most 1000", ""},
		{deviceNames.MatchString(o.Device), "device", strconv.Quote(o.Device), "want auto, cpu, cuda or cuda:N", ""},
		{o.Threads >= 1 && o.Threads <= machine.MaxThreads, "threads", o.Threads, fmt.Sprintf("want 1 to %d", machine.MaxThreads), ""},
	} {
		if c.ok {
			continue
		}
		e := &OptionError{Option: c.option, Problem: c.problem, Other: c.other}
		if c.value != nil {
			e.Value = fmt.Sprint(c.value)
		}
		return e
	}
	if _, err := o.cacheBytes(); err != nil {
		return err
	}
	if err := o.checkAddress(); err != nil {
		return err
	}
	return o.outsideData()
}

// CheckClasses returns an [*OptionError] if the name of a class is empty or occurs twice.
func CheckClasses(names []string) error {
	e := &OptionError{Option: "only_classes"}
	switch {
	case len(slices.Compact(slices.Sorted(slices.Values(names)))) < len(names):
		e.Value, e.Problem = strings.Join(names, ","), "a class is named twice"
	case slices.Contains(names, ""):
		e.Problem = "a name is empty: want names of class folders"
	default:
		return nil
	}
	return e
}

// outsideData refuses a run's folder among the images, because the next training would use its pictures as images.
func (o Options) outsideData() error {
	if o.Out == "" {
		return nil
	}
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return err
	}
	e := &OptionError{Option: "out", Value: o.Out}
	if data, err := filepath.Abs(o.Data); err == nil && data == out {
		e.Problem = "it is the folder of the images: choose another folder"
		return e
	}
	sets := []string{"train", "val"}
	if o.ValFraction > 0 && !regular.IsFolder(filepath.Join(o.Data, "train")) {
		sets = []string{"."} // the folder holds the classes themselves
	}
	for _, set := range sets {
		images, err := filepath.Abs(filepath.Join(o.Data, set))
		if err != nil {
			return err
		}
		if strings.HasPrefix(out+string(filepath.Separator), images+string(filepath.Separator)) {
			e.Problem = fmt.Sprintf("it lies among the images in %s, and its pictures would become some of them: choose another folder", images)
			return e
		}
	}
	return nil
}
