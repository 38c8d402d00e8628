package finetune

import (
	"fmt"
	"math"
	"slices"

	"hymenoptera/internal/text"
	"hymenoptera/metrics"
)

// A Warning is about data or options that give poor results. The option, if there is one, remedies that.
type Warning struct {
	Problem string
	Option  string // its name in JSON; "" for none
	Value   string // the value to set; "" if that depends on the case
	Effect  string // of the new value, such as "draws all classes equally often"
}

// startWarnings returns the warnings before the training.
func startWarnings(set images, o Options) (found []Warning) {
	counts := set.train.Counts()
	largest, smallest := slices.Max(counts), slices.Min(counts)
	if len(counts) == 1 {
		found = append(found, Warning{Problem: fmt.Sprintf("%s has only one class, %s: every answer will be right, and nothing is learnt", o.Data, set.train.Classes[0])})
	}
	if largest > 3*smallest && o.Balance == "none" && o.ClassWeights == nil {
		found = append(found, Warning{
			Problem: fmt.Sprintf("class %s has %d images and %s only %d", set.train.Classes[slices.Index(counts, largest)], largest,
				set.train.Classes[slices.Index(counts, smallest)], smallest),
			Option: "balance", Value: "sampling", Effect: "draws all classes equally often"})
	}
	if n := divideUp(len(set.train.Samples), o.processes()*o.BatchSize); n < 10 && o.BatchSize > 8 {
		found = append(found, Warning{
			Problem: fmt.Sprintf("an epoch has only %s", steps(n)),
			Option:  "batch_size", Value: fmt.Sprint(max(8, len(set.train.Samples)/o.processes()/10)), Effect: "makes more of them"})
	}
	n := len(set.val.Samples)
	if low, high := metrics.Wilson(int(math.Round(0.9*float64(n))), n); high-low > 0.1 {
		found = append(found, Warning{Problem: fmt.Sprintf("%d validation images are few: an accuracy of 0.9 could as well be %.2f or %.2f", n, low, high)})
	}
	return found
}

// endWarnings returns the warnings after the training. predictions are those of the best weights.
func endWarnings(h metrics.History, predictions []metrics.Prediction, set images, o Options) (found []Warning) {
	classes := set.train.Classes
	var never []string
	largest, most := 0, 0 // the class with the most validation images, and their number
	for class, score := range metrics.Score(predictions, len(classes)).Classes {
		if score.Support > 0 && score.Predicted == 0 {
			never = append(never, classes[class])
		}
		if score.Support > most {
			largest, most = class, score.Support
		}
	}
	if len(never) > 0 && len(classes) > 1 {
		w := Warning{Problem: "no validation image was taken for " + text.Few(never, 3)}
		if o.Balance == "none" && o.ClassWeights == nil && imbalance(set.train.Counts()) > 1.5 {
			w.Option, w.Value, w.Effect = "balance", "sampling", "draws all classes equally often"
		}
		found = append(found, w)
	}
	best, ok := h.Best(metrics.ByAccuracy)
	if ok && len(classes) > 1 && best.Corrects <= most {
		w := Warning{Problem: fmt.Sprintf("the best accuracy, %.3f, is no more than that of always answering %s", best.Acc, classes[largest])}
		if o.Recipe != "auto" {
			w.Option, w.Value, w.Effect = "recipe", "auto", "chooses other options for these images"
		}
		found = append(found, w)
	}
	return append(found, curveWarnings(h.Of("val"), o)...)
}

// curveWarnings returns the warnings about the validation losses and the learning rates.
func curveWarnings(val metrics.History, o Options) (found []Warning) {
	n := len(val)
	if n < 4 {
		return nil
	}
	lowest := 0
	for i, p := range val {
		if p.Loss < val[lowest].Loss {
			lowest = i
		}
	}
	last, before := val[n-1], val[n-1-n/4]
	switch {
	case lowest == n-1 && last.Loss < 0.97*before.Loss:
		found = append(found, Warning{Problem: "the validation loss was still falling at the end",
			Option: "epochs", Value: fmt.Sprint(2 * n), Effect: "trains for longer"})
	case lowest < n/2 && last.Loss > 1.1*val[lowest].Loss:
		found = append(found, Warning{Problem: fmt.Sprintf("the validation loss has risen since epoch %d, from %.3f to %.3f", val[lowest].Epoch, val[lowest].Loss, last.Loss),
			Option: "epochs", Value: fmt.Sprint(val[lowest].Epoch + 2), Effect: "stops before that"})
	}
	idle := 0
	for _, p := range val {
		if p.LR < val[0].LR/999 {
			idle++
		}
	}
	if idle > n/4 {
		option := "step_size"
		if o.Scheduler == "exponential" {
			option = "gamma"
		}
		found = append(found, Warning{Problem: fmt.Sprintf("in %d of %d epochs the learning rate was less than a thousandth of the first", idle, n),
			Option: option, Effect: "as well as the scheduler decides how soon it falls"})
	}
	return found
}
