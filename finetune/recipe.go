package finetune

import (
	"fmt"
	"math"
	"slices"
)

// A Choice is an option that the recipe auto chose, and the reason.
type Choice struct {
	Option string `json:"option"` // its name in JSON
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// chooseFirst returns o with the choices of the recipe auto that do not depend on images, except options that o.Fixed names.
func (o Options) chooseFirst() Options {
	o.Choices = nil
	pretrained := o.Weights != "none"
	choose(&o, "optimizer", &o.Optimizer, "adamw", "its steps do not depend on the scale of the gradients, so that one learning rate suits most sets")
	if o.Optimizer == "adamw" {
		choose(&o, "weight_decay", &o.WeightDecay, 0.01, "AdamW's default")
		switch {
		case o.Freeze:
			choose(&o, "lr", &o.LR, 0.003, "only a new head is trained")
		case pretrained:
			choose(&o, "lr", &o.LR, 0.0002, "the weights are trained, and larger steps would undo that")
			choose(&o, "layer_decay", &o.LayerDecay, 0.7, "the first layers know what any picture needs, and change least")
		default:
			choose(&o, "lr", &o.LR, 0.001, "the weights are random")
		}
	}
	choose(&o, "scheduler", &o.Scheduler, "cosine", "the rate falls to nothing by the last epoch, however many there are")
	return o
}

// chooseBy returns o with the choices of the recipe auto that depend on the number of training images of each class.
// docs/own-pictures.md has the rules and the results measured with them.
func (o Options) chooseBy(counts []int) Options {
	images, classes := 0, len(counts)
	for _, n := range counts {
		images += n
	}

	// By the number of images.
	batch := 16
	for batch > 8 && images/batch < 12 {
		batch /= 2
	}
	for batch < 64 && images/batch > 500 {
		batch *= 2
	}
	choose(&o, "batch_size", &o.BatchSize, batch, "%d images give %s per epoch", images, steps(divideUp(images, batch)))
	perEpoch := divideUp(images, o.BatchSize)
	choose(&o, "epochs", &o.Epochs, min(max(8, divideUp(enoughSteps, perEpoch)), 13), "%s per epoch", steps(perEpoch))
	if all := perEpoch * o.Epochs; o.Scheduler == "cosine" {
		choose(&o, "warmup", &o.WarmUp, min(20, all/10), "at most a tenth of %s; the new head is random, and its first gradients are large", steps(all))
	}

	// By how the images are spread over the classes.
	if ratio := imbalance(counts); ratio >= balanceFrom && !o.Probe && o.ClassWeights == nil {
		choose(&o, "balance", &o.Balance, "sampling", "the largest class has %.1f times as many images as the smallest", ratio)
	}
	if perClass := images / classes; perClass < fewImages && !(o.Probe && o.Views == 0) {
		choose(&o, "augment", &o.Augment, "light", "%d images per class are few", perClass)
	}
	if classes > 2 {
		choose(&o, "label_smoothing", &o.LabelSmoothing, 0.1, "%d classes: answers become less sure of themselves", classes)
	}
	return o
}

// The numbers of the rules.
const (
	enoughSteps = 200 // in a whole training
	balanceFrom = 2   // how many times as many images the largest class has as the smallest
	fewImages   = 100 // per class
)

// choose sets an option, unless o.Fixed names it.
func choose[T comparable](o *Options, option string, at *T, value T, reason string, args ...any) {
	if slices.Contains(o.Fixed, option) {
		return
	}
	*at = value
	o.Choices = append(o.Choices, Choice{option, fmt.Sprint(value), fmt.Sprintf(reason, args...)})
}

// imbalance returns how many times as many images the largest class has as the smallest.
func imbalance(counts []int) float64 {
	return float64(slices.Max(counts)) / math.Max(1, float64(slices.Min(counts)))
}

// divideUp returns n/by, rounded up: the number of batches of by images in an epoch.
func divideUp(n, by int) int { return (n + by - 1) / by }

// steps returns a number of steps as text: "1 step", "2 steps".
func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}
