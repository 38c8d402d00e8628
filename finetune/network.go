package finetune

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/internal/malloc"
	"hymenoptera/internal/text"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// newNetwork makes the network. If weights is not nil, the network starts from the weights, and newNetwork empties weights to
// free memory. The head is new, unless the weights are those of a run with the same classes. The seed is set right before
// the head is made or kept, or, without weights, before the whole network is made.
func newNetwork(s *torch.Scope, o Options, weights *checkpoint.StateDict, classes []string, log *slog.Logger) (zoo.Network, error) {
	arch, err := zoo.Find(o.Model)
	if err != nil {
		return nil, err
	}
	var model zoo.Network
	if weights == nil {
		torch.ManualSeed(o.Seed)
		model = arch.New(s, int64(len(classes)))
		if o.Freeze {
			nn.SetRequiresGrad(model, false)
			nn.SetRequiresGrad(model.Head(), true)
		}
	} else {
		keep := keepsHead(weights, o, classes, log)
		var notes []string
		if model, notes, err = arch.LoadPretrained(s, weights); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Weights, err)
		}
		for _, note := range notes {
			log.Info(fmt.Sprintf("%s: %s", o.Weights, note))
		}
		*weights = checkpoint.StateDict{}
		malloc.GiveBack() // the weights took as much as the model
		if o.Freeze {
			nn.SetRequiresGrad(model, false)
		}
		torch.ManualSeed(o.Seed)
		if keep {
			nn.SetRequiresGrad(model.Head(), true)
		} else {
			zoo.ReplaceHead(s, model, int64(len(classes)))
		}
	}
	log.Info(fmt.Sprintf("%s: trainable %s of %s parameters", o.Model,
		text.Thousands(count(nn.Trainable(model))), text.Thousands(count(nn.Parameters(model)))))
	return model, nil
}

// keepsHead reports whether the head of weights stays: if they are a complete file of a run with the same classes in the same
// order. For a file of a run it logs the decision.
func keepsHead(weights *checkpoint.StateDict, o Options, classes []string, log *slog.Logger) bool {
	card, err := classify.ReadCard(weights.Metadata)
	if err != nil || card.Model != o.Model {
		return false
	}
	if !slices.Equal(card.Classes, classes) {
		log.Info(fmt.Sprintf("%s: a new head, because the classes differ: the file's are %s", o.Weights, text.Short(strings.Join(card.Classes, ", "), 200)))
		return false
	}
	head, ok := weights.Get("fc.weight")
	_, bias := weights.Get("fc.bias")
	if !ok || !bias || len(head.Shape) != 2 || head.Shape[0] != int64(len(classes)) || weights.CheckFinite() != nil {
		return false // LoadPretrained reports why
	}
	log.Info(o.Weights + ": the head stays, because the classes are the same")
	return true
}

func count(ps []*torch.Tensor) (n int) {
	for _, p := range ps {
		n += p.Numel()
	}
	return n
}

// newOptimizer returns the optimizer for the parameters that are trained.
func newOptimizer(s *torch.Scope, model zoo.Network, o Options, mode trainer.Mode) optim.Optimizer {
	if o.Optimizer == "sgd" {
		return optim.NewSGDGroups(s, groups(model, o), optim.SGDConfig{Momentum: o.Momentum, Nesterov: o.Nesterov, WeightDecay: o.WeightDecay,
			Fused: mode.Fused, Capturable: mode.Graph})
	}
	return optim.NewAdamGroups(s, groups(model, o), optim.AdamConfig{WeightDecay: o.WeightDecay, Decoupled: o.Optimizer == "adamw"})
}

// groups returns the parameters that are trained: all in one group or, with LayerDecay, one group per stage of the network,
// from the head back to the first layers.
func groups(model zoo.Network, o Options) (gs []optim.Group) {
	if o.LayerDecay == 1 {
		return []optim.Group{{Params: nn.Trainable(model), LR: o.LR}}
	}
	rate := o.LR
	for _, stage := range slices.Backward(model.Stages()) {
		gs = append(gs, optim.Group{Params: nn.Trainable(stage), LR: rate})
		rate *= o.LayerDecay
	}
	return gs
}

// warmUpStart is the share of the learning rate that a warm-up begins with.
const warmUpStart = 0.1

// newScheduler returns the schedule of the learning rate: by epoch or, with WarmUp, by step. steps is the number of
// steps in the training.
func newScheduler(opt optim.Optimizer, o Options, steps int) optim.Scheduler {
	if o.WarmUp > 0 {
		return optim.NewWarmUp(opt, warmUpStart, o.WarmUp, optim.NewCosineAnnealingLR(opt, steps-o.WarmUp))
	}
	switch o.Scheduler {
	case "cosine":
		return optim.NewCosineAnnealingLR(opt, o.Epochs)
	case "exponential":
		return optim.NewExponentialLR(opt, o.Gamma)
	}
	return optim.NewStepLR(opt, o.StepSize, o.Gamma)
}
