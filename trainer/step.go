package trainer

import (
	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A result is what the model makes of a batch.
type result struct {
	logits *torch.Tensor // N×classes
	loss   *torch.Tensor // the batch's mean, a scalar
	hits   *torch.Tensor // how many images were classified right, a scalar
}

// A place is where in a training a step is.
type place struct {
	epoch int
	phase string
	step  int
}

// forward passes a batch through model: images N×3×H×W, labels N.
func (t *training) forward(s *torch.Scope, model nn.Module, images, labels *torch.Tensor, at place) (r result) {
	if t.cfg.BFloat16 {
		torch.Autocast(t.cfg.Device, torch.BFloat16, func() { r.logits = model.Forward(s, images) })
		r.logits = torch.ToDType(s, r.logits, torch.Float32)
	} else {
		r.logits = model.Forward(s, images)
	}
	r.hits = torch.Sum(s, torch.Equal(s, torch.Argmax(s, r.logits, 1), labels))
	r.loss = torch.CrossEntropy(s, r.logits, labels, t.classWeights, t.cfg.LabelSmoothing)
	t.trace(at, "logits", r.logits)
	t.trace(at, "loss", r.loss)
	return r
}

// train passes a batch through the model and updates the weights.
func (t *training) train(s *torch.Scope, images, labels *torch.Tensor, at place) (r result) {
	t.cfg.Optimizer.ZeroGrad()
	torch.SetGradEnabled(true, func() { r = t.forward(s, t.model, images, labels, at) })
	torch.Backward(r.loss)
	t.traceModel(at, true)
	t.cfg.Optimizer.Step()
	t.traceModel(at, false)
	return r
}

// step passes a batch through model, with weight updates in the training phase, and tells of it.
func (t *training) step(s *torch.Scope, model nn.Module, set set, b *dataset.Batch, at place) (r result) {
	images, labels := set.tensors(s, b)
	t.trace(at, "batch", images)
	switch {
	case at.phase != "train":
		torch.NoGrad(func() { r = t.forward(s, model, images, labels, at) })
	case t.recorder.seen(images):
		r = t.recorder.train(t, images, labels)
	default:
		r = t.train(s, images, labels, at)
	}
	t.cfg.Hooks.Batch(Batch{at.epoch, at.phase, b.Indices, b.Labels, images, r.logits})
	return r
}
