package torch

// #include "shim.h"
import "C"

import (
	"sync"
	"unsafe"
)

// A Graph is recorded work for a CUDA device. One call queues it again, instead of some hundred calls. It reads and writes
// the same memory each time.
type Graph struct{ c unsafe.Pointer }

// LoadGraphs loads the library that graphs need; its error says why there are no graphs. Call it after [Init].
func LoadGraphs() error { return loadGraphs() }

var loadGraphs = sync.OnceValue(func() error {
	if msg := TakeError(cPointer(C.hy_load_graphs())); msg != "" {
		return &opError{"CUDA graphs", msg}
	}
	return nil
})

// NewGraph records the work that f queues on a device; none of it runs yet. s owns the graph. The tensors that f
// reads, and those of its results that are read later, must live as long as the graph is replayed. f must not wait
// for the device, as [Item] does, and every operation in it must have run once before. NewGraph fails if [LoadGraphs]
// did.
func NewGraph(s *Scope, device Device, f func()) *Graph {
	use("record graph")
	if err := loadGraphs(); err != nil {
		Fail(err)
	}
	g := new(Graph)
	checkShim(C.hy_graph_begin(C.int(device.Index()), &g.c), "record graph")
	s.others = append(s.others, func() { C.hy_graph_free(g.c) })
	g.record(f)
	return g
}

// record calls f and ends the recording. If f fails, it reports f's error, which says more than that of the broken
// recording.
func (g *Graph) record(f func()) {
	done := false
	defer func() {
		if msg := C.hy_graph_end(g.c); done {
			checkShim(msg, "record graph")
		} else {
			TakeError(cPointer(msg))
		}
	}()
	f()
	done = true
}

// Replay queues the recorded work.
func (g *Graph) Replay() {
	use("replay graph")
	checkShim(C.hy_graph_replay(g.c), "replay graph")
}
