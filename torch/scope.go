package torch

import "sync/atomic"

var live atomic.Int64

// Live returns the number of live tensor handles in the process. A test can compare it at its start and end to find
// leaks.
func Live() int { return int(live.Load()) }

// A Scope owns tensors. Closing it frees them. Scopes may be used only inside Do.
type Scope struct {
	owned  []*Tensor
	others []func() // free graphs and the like
	parent *Scope
	closed bool
}

// NewScope returns a scope for tensors that outlive a single Do, such as the weights of a model that answers
// requests. The caller must close it, inside a Do.
func NewScope() *Scope { return &Scope{} }

// Child returns a scope for temporary tensors, to be closed by the caller before s.
func (s *Scope) Child() *Scope { return &Scope{parent: s} }

// Tidy runs f with a child scope and frees every tensor of that scope but f's result, which s then owns. The result
// may be nil.
func (s *Scope) Tidy(f func(s *Scope) *Tensor) *Tensor {
	c := s.Child()
	defer c.Close()
	return c.Keep(f(c))
}

// Keep moves t out of s, to the parent of s or, if s has none, to the caller, who must call t.Free. It does nothing
// to a tensor that s does not own. Keep returns t.
func (s *Scope) Keep(t *Tensor) *Tensor {
	if t == nil || t.owner != s {
		return t
	}
	t.owner = nil
	if s.parent != nil {
		s.parent.own(t)
	}
	return t
}

// Close frees what s owns. Closing twice is harmless.
func (s *Scope) Close() {
	for _, t := range s.owned {
		if t.owner == s {
			t.Free()
		}
	}
	for _, free := range s.others {
		free()
	}
	s.owned, s.others, s.closed = nil, nil, true
}

func (s *Scope) own(t *Tensor) {
	if s.closed {
		t.Free()
		panic("torch: a result was given to a closed scope")
	}
	t.owner = s
	s.owned = append(s.owned, t)
}
