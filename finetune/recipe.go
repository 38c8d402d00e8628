package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"hymenoptera/zoo"
)

// A Choice is an option that [Recommend] chose, and why.
type Choice struct {
	Option string `json:"option"` // its name in JSON
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// Recommend returns o with the options that suit its images, network and weights, beside those that are named in fixed, and
// adds the choices to o.Choices. The rules and what they were measured to give are in docs/own-pictures.md. It lists the images,
// and downloads them as [Train] does, but trains nothing: the same folder gives the same choices.
func Recommend(ctx context.Context, o Options, fixed []string, h Hooks) (Options, error) {
	h = h.filled()
	r := recommender{o: o, fixed: fixed}
	r.o.Recipe, r.o.Choices = "auto", nil

	// What does not depend on the images.
	choose(&r, "optimizer", &r.o.Optimizer, "adamw", "its steps do not depend on the scale of the gradients, so that one learning rate suits most sets")
	if r.o.Optimizer == "adamw" {
		choose(&r, "weight_decay", &r.o.WeightDecay, 0.01, "AdamW's default")
		switch {
		case o.Freeze:
			choose(&r, "lr", &r.o.LR, 0.003, "only a new head is trained")
		case o.Weights == "none":
			choose(&r, "lr", &r.o.LR, 0.001, "the weights are random")
		default:
			choose(&r, "lr", &r.o.LR, 0.0002, "the weights are trained, and larger steps would undo that")
		}
	}
	choose(&r, "scheduler", &r.o.Scheduler, "cosine", "the rate falls to nothing by the last epoch, however many there are")
	if err := r.o.Validate(); err != nil {
		return o, err
	}

	// How many images there are.
	arch, err := zoo.Find(o.Model)
	if err != nil {
		return o, err
	}
	set, err := openImages(ctx, r.o, arch, h)
	if err != nil {
		return o, err
	}
	counts := set.train.Counts()
	images, classes := len(set.train.Samples), len(counts)
	batch := 16
	for batch > 8 && images/batch < 12 {
		batch /= 2
	}
	for batch < 64 && images/batch > 500 {
		batch *= 2
	}
	choose(&r, "batch_size", &r.o.BatchSize, batch, "%d images give %d steps per epoch", images, divideUp(images, batch))
	perEpoch := divideUp(images, r.o.BatchSize)
	choose(&r, "epochs", &r.o.Epochs, min(max(8, divideUp(enoughSteps, perEpoch)), 13), "%d steps per epoch", perEpoch)
	if all := perEpoch * r.o.Epochs; r.o.Scheduler == "cosine" {
		choose(&r, "warmup", &r.o.WarmUp, min(20, all/10), "of %d steps; the new head is random, and its first gradients are large", all)
	}

	// How they are spread over the classes.
	if ratio := imbalance(counts); ratio >= balanceFrom && !o.Probe && r.o.ClassWeights == nil {
		choose(&r, "balance", &r.o.Balance, "sampling", "the largest class has %.1f times as many images as the smallest", ratio)
	}
	if perClass := images / classes; perClass < fewImages && !(o.Probe && o.Views == 0) {
		choose(&r, "augment", &r.o.Augment, "light", "%d images per class are few", perClass)
	}
	if classes > 2 {
		choose(&r, "label_smoothing", &r.o.LabelSmoothing, 0.1, "%d classes: answers become less sure of themselves", classes)
	}
	return r.o, nil
}

// What the rules of Recommend count with.
const (
	enoughSteps = 200 // of a whole training
	balanceFrom = 2   // times as many images in the largest class as in the smallest
	fewImages   = 100 // per class
)

// A recommender collects choices.
type recommender struct {
	o     Options
	fixed []string
}

// choose sets an option, unless it is fixed.
func choose[T comparable](r *recommender, option string, at *T, value T, reason string, args ...any) {
	if slices.Contains(r.fixed, option) {
		return
	}
	*at = value
	r.o.Choices = append(r.o.Choices, Choice{option, fmt.Sprint(value), fmt.Sprintf(reason, args...)})
}

// imbalance returns how many times as many images the largest class has as the smallest.
func imbalance(counts []int) float64 {
	return float64(slices.Max(counts)) / math.Max(1, float64(slices.Min(counts)))
}

// divideUp returns n/by, rounded up: how many batches of by images an epoch has.
func divideUp(n, by int) int { return (n + by - 1) / by }
