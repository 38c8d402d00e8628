package trainer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A part is the data that a process of a group adds to the State of rank 0.
type part struct {
	Pass  *Pass           `json:"pass,omitempty"`
	Now   savedGenerators `json:"now"`
	Began savedGenerators `json:"began"`
}

// savedGenerators are generators in bytes.
type savedGenerators struct {
	CPU    []byte `json:"cpu,omitempty"`
	Device []byte `json:"device,omitempty"`
}

func (g generators) bytes() (b savedGenerators) {
	if g.cpu != nil {
		b.CPU = nn.ExportTensor("", g.cpu).Data
	}
	if g.device != nil {
		b.Device = nn.ExportTensor("", g.device).Data
	}
	return b
}

// set makes the generators go on from these states, which checks them; s owns the tensors.
func (b savedGenerators) set(s *torch.Scope, device torch.Device) (g generators) {
	g.cpu = torch.FromBytes(s, torch.Uint8, b.CPU, int64(len(b.CPU)))
	if len(b.Device) > 0 && device != torch.CPU {
		g.device = torch.FromBytes(s, torch.Uint8, b.Device, int64(len(b.Device)))
	}
	g.set(device)
	return g
}

// gatherParts returns the parts of the processes from rank 1 on.
func (l *loop) gatherParts() [][]byte {
	if l.cfg.Group == nil {
		return nil
	}
	p, now := l.passState()
	own := part{Pass: p, Now: now.bytes()}
	if p != nil {
		own.Began = l.pass.began.bytes()
	}
	data, err := json.Marshal(own)
	if err != nil {
		torch.Fail(err)
	}
	return l.cfg.Group.Gather(data)[1:]
}

// takePart makes a process that has restored the state of rank 0 continue from its own part. If the state has no parts, the
// process draws from its generators as they are.
func (l *loop) takePart(st *State, train, val feed) error {
	g := l.cfg.Group
	if g == nil || g.Rank() == 0 {
		return nil
	}
	if len(st.Parts) == 0 {
		l.resumed.now = readGenerators(l.scope, l.cfg.Device)
		l.resumed.began = l.resumed.now
		return nil
	}
	var own part
	if err := json.Unmarshal(st.Parts[g.Rank()-1], &own); err != nil {
		return fmt.Errorf("the part of rank %d: %w", g.Rank(), err)
	}
	if (own.Pass == nil) != (st.Pass == nil) || own.Pass != nil && own.Pass.Phase != st.Pass.Phase {
		return fmt.Errorf("rank %d is in another phase", g.Rank())
	}
	if err := own.Pass.check(train, val); err != nil {
		return err
	}
	l.resumed.pass = own.Pass
	if own.Pass != nil {
		l.resumed.began = own.Began.set(l.scope, l.cfg.Device)
	}
	l.resumed.now = own.Now.set(l.scope, l.cfg.Device)
	return nil
}

// Regroup prepares a state to be resumed by another number of processes than it came from. The phase under way then begins
// again, so images that it already trained on are trained on twice. With the same number, Regroup changes nothing.
func (st *State) Regroup(processes int) {
	if len(st.Parts)+1 == processes {
		return
	}
	st.Parts = nil
	if st.Pass == nil {
		return
	}
	began := map[string]checkpoint.Tensor{}
	for _, t := range st.Tensors {
		if name, ok := strings.CutPrefix(t.Name, "began."); ok {
			t.Name = name
			began[name] = t
		}
	}
	validates := st.Pass.Phase == "val"
	st.Tensors = slices.DeleteFunc(st.Tensors, func(t checkpoint.Tensor) bool {
		_, replaced := began[t.Name]
		return replaced || t.Name == "confusion" || !validates && strings.HasPrefix(t.Name, "began.")
	})
	for _, t := range began {
		st.Tensors = append(st.Tensors, t)
	}
	if validates {
		st.Pass = &Pass{Phase: "val", Position: dataset.Position{}, LR: st.Pass.LR}
	} else {
		st.Pass = nil
	}
}
