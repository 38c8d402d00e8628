package trainer

import "hymenoptera/torch"

// A recorder replays training steps as CUDA graphs. The first step with a size of batch runs as ever, which leaves
// behind what a recording must find: momentum, handles, chosen algorithms. The second one is recorded.
type recorder struct {
	recordings map[int64]*recording // by images a batch; nil after the first one
}

// A recording is a step for batches of one size.
type recording struct {
	graph          *torch.Graph
	images, labels *torch.Tensor // what it reads
	result         result        // what it writes
}

// newRecorder returns a recorder where the configuration asks for one and the optimizer's step can be recorded, else
// nil.
func newRecorder(t *training) *recorder {
	opt, ok := t.cfg.Optimizer.(interface{ Capturable() bool })
	if !t.cfg.Graph || t.cfg.Device == torch.CPU || t.cfg.Hooks.Tensor != nil || !ok || !opt.Capturable() || torch.LoadGraphs() != nil {
		return nil
	}
	return &recorder{recordings: map[int64]*recording{}}
}

// seen notes the size of a batch, and reports whether it came before: such a step is replayed.
func (r *recorder) seen(images *torch.Tensor) bool {
	if r == nil {
		return false
	}
	n := images.Shape()[0]
	_, before := r.recordings[n]
	if !before {
		r.recordings[n] = nil
	}
	return before
}

// train is training.train for a batch whose size was seen. Its result is valid until the next one of its size.
func (r *recorder) train(t *training, images, labels *torch.Tensor) result {
	n := images.Shape()[0]
	if r.recordings[n] == nil {
		r.recordings[n] = record(t, images, labels)
	}
	g := r.recordings[n]
	torch.CopyInPlace(g.images, images)
	torch.CopyInPlace(g.labels, labels)
	g.graph.Replay()
	return g.result
}

// record records a step for batches as images N×3×H×W and labels N; t's scope owns it.
func record(t *training, images, labels *torch.Tensor) *recording {
	r := &recording{images: torch.Clone(t.scope, images), labels: torch.Clone(t.scope, labels)}
	s := t.scope.Child()
	defer s.Close()
	r.graph = torch.NewGraph(t.scope, t.cfg.Device, func() {
		made := t.train(s, r.images, r.labels, place{})
		r.result = result{s.Keep(torch.Detach(s, made.logits)), s.Keep(torch.Detach(s, made.loss)), s.Keep(made.hits)}
	})
	return r
}
