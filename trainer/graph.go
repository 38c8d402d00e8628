package trainer

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// graphs replay training steps as CUDA graphs. The first step for a batch size runs as usual, and creates what a recording
// needs: momentum, handles, chosen algorithms. The second one is recorded.
type graphs struct {
	scope      *torch.Scope // owns the recordings
	device     torch.Device
	inner      stepFunc
	recordings map[int64]*recording // by images per batch; a nil entry after the first step
}

// A stepFunc is loop.step, or computes the same.
type stepFunc func(s *torch.Scope, model nn.Module, inputs, labels *torch.Tensor) result

// A recording is a step for batches of one size.
type recording struct {
	graph          *torch.Graph
	inputs, labels *torch.Tensor // tensors that it reads
	result         result        // tensors that it writes
}

// canReplay reports whether the configuration asks for graphs and the optimizer's step can be recorded.
func canReplay(cfg Config) bool {
	opt, ok := cfg.Optimizer.(interface{ Capturable() bool })
	return cfg.Graph && cfg.Group == nil && cfg.Device != torch.CPU && cfg.Hooks.Tensor == nil && ok && opt.Capturable() && torch.LoadGraphs() == nil
}

func newGraphs(s *torch.Scope, device torch.Device, step stepFunc) *graphs {
	return &graphs{scope: s, device: device, inner: step, recordings: map[int64]*recording{}}
}

// step computes a batch. Its result is valid until the next batch of the same size.
func (g *graphs) step(s *torch.Scope, model nn.Module, inputs, labels *torch.Tensor) result {
	n := inputs.Shape()[0]
	r, seen := g.recordings[n]
	if !seen {
		g.recordings[n] = nil
		return g.inner(s, model, inputs, labels)
	}
	if r == nil {
		r = g.record(model, inputs, labels)
		g.recordings[n] = r
	}
	torch.CopyInPlace(r.inputs, inputs)
	torch.CopyInPlace(r.labels, labels)
	r.graph.Replay()
	return r.result
}

// record records a step for batches like this one.
func (g *graphs) record(model nn.Module, inputs, labels *torch.Tensor) *recording {
	r := &recording{inputs: torch.Clone(g.scope, inputs), labels: torch.Clone(g.scope, labels)}
	s := g.scope.Child()
	defer s.Close()
	r.graph = torch.NewGraph(g.scope, g.device, func() {
		made := g.inner(s, model, r.inputs, r.labels)
		r.result = result{s.Keep(torch.Detach(s, made.logits)), s.Keep(torch.Detach(s, made.loss)), s.Keep(made.hits)}
	})
	return r
}
