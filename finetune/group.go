package finetune

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
)

// A Group is a number of processes that train together. All have the same options and images; rank 0 writes the run.
type Group interface {
	trainer.Group
	Local() int                                                         // the number of the process on its machine, and of its CUDA device
	BatchNorm(s *torch.Scope, x *torch.Tensor, n nn.Norm) *torch.Tensor // an [nn.SyncFunc]
	UseNCCL() error                                                     // sends tensors of CUDA devices through NCCL; an error says why they go through the host
	Share(data []byte) []byte                                           // returns rank 0's data
}

// processes returns how many processes train together.
func (o Options) processes() int {
	if o.Group == nil {
		return 1
	}
	return o.Group.Size()
}

// Follows reports whether another process of Group writes the run.
func (o Options) Follows() bool { return o.Group != nil && o.Group.Rank() > 0 }

// local returns the CUDA device that this process takes.
func (o Options) local() int {
	if o.Group == nil {
		return 0
	}
	return o.Group.Local()
}

func perProcess(o Options) string {
	if o.Group == nil {
		return ""
	}
	return " per process"
}

// compareGroup returns an error if the processes' options or images differ.
func (p *plan) compareGroup(ctx context.Context) error {
	if p.o.Group == nil {
		return nil
	}
	o := p.o
	o.Data, o.Exclude, o.Weights, o.Device, o.Threads = "", "", "", "", 0 // these can differ between machines
	options, err := json.Marshal(o)
	if err != nil {
		return err
	}
	images := sha256.Sum256(p.files)
	var all [][]byte
	if err := torch.Do(ctx, func(*torch.Scope) error {
		all = o.Group.Gather(append(images[:], options...))
		return nil
	}); err != nil {
		return err
	}
	for rank, theirs := range all {
		if !bytes.Equal(theirs[:sha256.Size], all[0][:sha256.Size]) {
			return fmt.Errorf("finetune: rank %d has other images than rank 0: want the same for all processes", rank)
		}
		if err := compareOptions(all[0][sha256.Size:], theirs[sha256.Size:], rank); err != nil {
			return err
		}
	}
	return nil
}

// compareOptions returns an [*OptionError] for the first option, in JSON, in which a process differs from rank 0.
func compareOptions(first, theirs []byte, rank int) error {
	var a, b map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(first, &a), json.Unmarshal(theirs, &b)); err != nil {
		return err
	}
	names := maps.Clone(a)
	maps.Copy(names, b) // each may leave out other defaults
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(a[name], b[name]) {
			value := func(v json.RawMessage) string { return cmp.Or(strings.Trim(string(v), `"`), "the default") }
			return &OptionError{Option: name, Problem: fmt.Sprintf("rank 0 has %s and rank %d %s: want the same for all processes", value(a[name]), rank, value(b[name]))}
		}
	}
	return nil
}

// useNCCL averages the gradients of GPUs with NCCL if all processes have it.
func (p *plan) useNCCL(ctx context.Context) error {
	if p.o.Group == nil || p.mode.Device == torch.CPU {
		return nil
	}
	return torch.Do(ctx, func(*torch.Scope) error {
		if err := p.o.Group.UseNCCL(); err != nil {
			p.hooks.Log.Info(fmt.Sprintf("gradients go through the host's memory: %v", err))
		} else {
			p.hooks.Log.Info("gradients go from GPU to GPU, with NCCL")
		}
		return nil
	})
}

// compareWeights logs whether all processes end with the same best weights. Processors with other instructions can give
// other last bits.
func (t *training) compareWeights(ctx context.Context) error {
	if t.o.Group == nil {
		return nil
	}
	return torch.Do(ctx, func(*torch.Scope) error {
		own := nn.Export(t.model).SHA256()
		for rank, theirs := range t.o.Group.Gather(own[:]) {
			if !bytes.Equal(theirs, own[:]) {
				t.hooks.Log.Warn(fmt.Sprintf("rank %d ends with other weights than this process: SHA-256 %x, not %x", rank, theirs[:8], own[:8]))
				return nil
			}
		}
		t.hooks.Log.Info(fmt.Sprintf("all %d processes end with the same weights", t.o.Group.Size()))
		return nil
	})
}

// ShareCheckpoint gives every process of a group the checkpoint that rank 0 has read, or nil if rank 0 has none.
func ShareCheckpoint(ctx context.Context, g Group, c *Checkpoint) (*Checkpoint, error) {
	var data bytes.Buffer
	if c != nil {
		sd, err := c.encode(c.Best)
		if err != nil {
			return nil, err
		}
		data.WriteByte(map[bool]byte{true: 1}[c.ended])
		if err := checkpoint.EncodeSafetensors(&data, sd); err != nil {
			return nil, err
		}
	}
	var shared []byte
	if err := torch.Do(ctx, func(*torch.Scope) error {
		shared = g.Share(data.Bytes())
		return nil
	}); err != nil || g.Rank() == 0 || shared == nil {
		return c, err
	}
	sd, err := checkpoint.Parse(shared[1:])
	if err != nil {
		return nil, err
	}
	if c, err = parseCheckpoint(sd); err != nil {
		return nil, err
	}
	c.ended = shared[0] == 1
	return c, nil
}

// regroup changes the checkpoint so that the given number of processes can resume from it.
func (c *Checkpoint) regroup(processes int) {
	c.processes = len(c.state.Parts) + 1
	c.state.Regroup(processes)
	c.Place = c.state.Place
	if p := c.Place.Pass; p == nil || p.Done == 0 { // the phase begins again
		c.shown = answerTensors{}
	}
}

// follow trains beside rank 0, which writes the run.
func (p *plan) follow(ctx context.Context, s *torch.Scope) (metrics.Phase, error) {
	model, _, err := p.network(s)
	if err != nil {
		return metrics.Phase{}, err
	}
	seed := p.o.Seed + uint64(p.o.Group.Rank())
	t := &training{o: p.o, hooks: p.hooks, mode: p.mode, model: model, better: -1}
	if c := p.from; c != nil {
		t.better, t.stopped, t.resumed = c.Better, c.Stopped, c.state
		seed += uint64(c.Place.Epoch * p.o.Group.Size()) // has no effect if the checkpoint has the process's generators
	}
	torch.ManualSeed(seed)
	return t.fit(ctx, s, p.loaders, trainer.Hooks{
		Best:     func(b metrics.Phase) error { t.better = b.Epoch; return nil },
		EpochEnd: func(epoch int) error { t.endEarly(epoch); return t.stop() },
		Due:      func(trainer.Moment) bool { return false }, // rank 0 decides
	})
}
