// Package dist lets several processes train one model: PyTorch's c10d with gloo, the engine of torch.distributed, and the
// Reducer of DistributedDataParallel. The same launchers can start PyTorch's programs and this one.
//
//	env, err := dist.FromEnv()            // RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT
//	group, err := dist.Init(ctx, env)     // waits for the other processes
//	defer group.Close()
//	group.Broadcast(tensors)              // rank 0's, to all
//	group.Train(nn.Trainable(model), nil) // from here on
//	group.Backward(loss)                  // averages the gradients over the processes
//
// Every process must make the same calls in the same order: each call waits for all. If another process ends, the call fails
// with a [*PeerError] within a second; if it hangs, after Env.Timeout.
package dist

// #cgo CXXFLAGS: -I${SRCDIR}
// #include "dist.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A Group is the processes that train together. Apart from Rank, Size, Leave and Close, its methods are operations of
// libtorch: they run only inside torch.Do, and end it if they fail.
type Group struct {
	env     Env
	c       unsafe.Pointer
	reducer unsafe.Pointer // of the parameters that are trained, or nil
	trained int            // their number
	failed  bool           // or closed

	stop    context.CancelFunc // of the watch
	watched chan struct{}      // closed when the watch has ended
	missing []Peer             // found by the watch
}

// A LateError says that some process did not come within Env.Timeout.
type LateError struct{ Env Env }

func (e *LateError) Error() string { return e.Env.unreached() + " within " + e.Env.Timeout.String() }

// unreached returns the beginning of Init's errors.
func (e Env) unreached() string {
	return fmt.Sprintf("dist: rank %d of %d does not reach the others at %s:%d", e.Rank, e.World, e.Host, e.Port)
}

// Init waits until all processes have come. ctx ends the wait. The error is a [*LateError] if not all came in time.
func Init(ctx context.Context, env Env) (*Group, error) {
	host, prefix := C.CString(env.Host), C.CString("/worker/attempt_"+env.Round)
	o := C.hy_dist_options{host: host, port: C.int(env.Port), prefix: prefix, rank: C.int(env.Rank), world: C.int(env.World),
		timeout_ms: C.int64_t(env.Timeout.Milliseconds())}
	if env.Serve {
		o.serve = 1
	}
	type result struct {
		c   unsafe.Pointer
		err error
	}
	done := make(chan result, 1)
	go func() { // hy_dist_init cannot be interrupted
		var r result
		r.err = takeError(C.hy_dist_init(o, &r.c))
		C.free(unsafe.Pointer(host))
		C.free(unsafe.Pointer(prefix))
		done <- r
	}()
	select {
	case r := <-done:
		if r.err != nil && (strings.Contains(r.err.Error(), "timed out") || strings.Contains(r.err.Error(), "timeout")) {
			return nil, &LateError{env}
		}
		if r.err != nil {
			return nil, fmt.Errorf("%s: %w", env.unreached(), r.err)
		}
		g := &Group{env: env, c: r.c, watched: make(chan struct{})}
		ctx, g.stop = context.WithCancel(context.WithoutCancel(ctx))
		go g.watch(ctx)
		return g, nil
	case <-time.After(2 * env.Timeout): // c10d waits for the store and then for the others, or forever for another program
		return nil, &LateError{env}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends this process's part in the group. It must be called outside torch.Do. A process that ends need not call it.
func (g *Group) Close() {
	if g.failed { // a call may be running, and Close would wait for it
		return
	}
	g.stop()
	<-g.watched
	torch.Do(context.Background(), func(*torch.Scope) error {
		g.dropReducer()
		C.hy_dist_free(g.c)
		return nil
	})
	g.failed = true
}

// Rank returns the number of the process, from 0.
func (g *Group) Rank() int { return g.env.Rank }

// Local returns the number of the process on its machine, from 0.
func (g *Group) Local() int { return g.env.Local }

// Size returns the number of processes.
func (g *Group) Size() int { return g.env.World }

// UseNCCL makes the operations on tensors of CUDA devices use NCCL. If one of the processes cannot use it, all use the
// host's memory, and the error says why.
func (g *Group) UseNCCL() error {
	var reason []byte
	if err := takeError(C.hy_dist_load_nccl(g.c, C.int64_t(g.env.Timeout.Milliseconds()))); err != nil {
		reason = []byte(err.Error())
	}
	for rank, theirs := range g.Gather(reason) {
		if len(theirs) > 0 {
			return fmt.Errorf("dist: rank %d cannot use NCCL: %s", rank, theirs)
		}
	}
	g.check(C.hy_dist_use_nccl(g.c))
	return nil
}

// AllReduce replaces t by its sum over the processes.
func (g *Group) AllReduce(t *torch.Tensor) {
	g.check(C.hy_dist_sum(g.c, t.Handle()))
}

// Sum replaces numbers by their sums over the processes.
func (g *Group) Sum(numbers []float64) {
	s := torch.NewScope()
	defer s.Close()
	t := torch.Empty(s, torch.Float64, torch.CPU, int64(len(numbers)))
	sums := unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(torch.Bytes(t)))), len(numbers))
	copy(sums, numbers)
	g.AllReduce(t)
	copy(numbers, sums)
}

// Barrier waits until every process has called it.
func (g *Group) Barrier() { g.Sum([]float64{0}) }

// Broadcast gives the tensors the values that they have in the process of rank 0.
func (g *Group) Broadcast(ts []*torch.Tensor) {
	if len(ts) > 0 {
		g.check(C.hy_dist_broadcast(g.c, torch.Handles(ts), C.int(len(ts))))
	}
}

// Share returns rank 0's data, which in the other processes may be nil.
func (g *Group) Share(data []byte) []byte {
	s := torch.NewScope()
	defer s.Close()
	length := torch.FromInt64s(s, []int64{int64(len(data))}, 1)
	g.Broadcast([]*torch.Tensor{length})
	n := torch.Int64View(length)[0]
	if n == 0 {
		return nil
	}
	bytes := torch.Empty(s, torch.Uint8, torch.CPU, n)
	if g.Rank() == 0 {
		copy(torch.Bytes(bytes), data)
	}
	g.Broadcast([]*torch.Tensor{bytes})
	return append([]byte(nil), torch.Bytes(bytes)...)
}

// Gather returns the data of every process, by rank.
func (g *Group) Gather(data []byte) [][]byte {
	s := torch.NewScope()
	defer s.Close()
	world := int64(g.Size())
	lengths := torch.Empty(s, torch.Int64, torch.CPU, world, 1)
	g.gather(torch.FromInt64s(s, []int64{int64(len(data))}, 1), lengths)
	most := int64(1)
	for _, n := range torch.Int64View(lengths) {
		most = max(most, n)
	}
	own, padded := torch.Zeros(s, torch.Uint8, torch.CPU, most), torch.Empty(s, torch.Uint8, torch.CPU, world, most)
	copy(torch.Bytes(own), data)
	g.gather(own, padded)
	all := make([][]byte, world)
	for i, n := range torch.Int64View(lengths) {
		all[i] = append([]byte(nil), torch.Bytes(padded)[int64(i)*most:][:n]...)
	}
	return all
}

func (g *Group) gather(t, out *torch.Tensor) {
	g.check(C.hy_dist_gather(g.c, t.Handle(), out.Handle()))
}

// BatchNorm normalises x N×C×H×W in training, as torch.nn.SyncBatchNorm: by the statistics of the batches of all processes
// together. It is an [nn.SyncFunc].
func (g *Group) BatchNorm(s *torch.Scope, x *torch.Tensor, n nn.Norm) *torch.Tensor {
	var out unsafe.Pointer
	g.check(C.hy_dist_batch_norm(g.c, x.Handle(), n.Weight.Handle(), n.Bias.Handle(), n.RunningMean.Handle(), n.RunningVar.Handle(),
		C.double(n.Momentum), C.double(n.Eps), &out))
	return torch.Own(s, out)
}

// Train makes Backward average the gradients of params, in buckets while the backward pass still runs, as
// DistributedDataParallel does. The parameters must be equal in all processes, and the loss must depend on all of params.
// Train may be called again with other parameters.
//
// The first Backward uses one bucket, the following ones the buckets that Buckets returns after it. For a resumed training,
// buckets must be those of its earlier part, so that sums over more than two processes have the same bits; otherwise it is
// nil.
func (g *Group) Train(params []*torch.Tensor, buckets []int64) {
	if !divides(buckets, len(params)) {
		torch.Fail(fmt.Errorf("dist: %v are no buckets of %d parameters", buckets, len(params)))
	}
	g.dropReducer()
	g.trained = len(params)
	g.check(C.hy_dist_reducer(g.c, torch.Handles(params), C.int(len(params)), (*C.int64_t)(unsafe.SliceData(buckets)), C.int(len(buckets)), &g.reducer))
}

// divides reports whether buckets, if there are any, hold each of n parameters once.
func divides(buckets []int64, n int) bool {
	if len(buckets) == 0 {
		return true
	}
	seen := map[int64]bool{}
	for i, p := range buckets {
		if p < -1 || p >= int64(n) || p >= 0 && seen[p] || p == -1 && (i == 0 || buckets[i-1] == -1) {
			return false
		}
		seen[p] = true
	}
	delete(seen, -1)
	return len(seen) == n && buckets[len(buckets)-1] == -1
}

// Buckets returns the buckets of gradients: indices of the parameters, with -1 after each bucket.
func (g *Group) Buckets() []int64 {
	buckets := make([]int64, 2*g.trained)
	var n C.int
	g.check(C.hy_dist_reducer_buckets(g.reducer, (*C.int64_t)(unsafe.SliceData(buckets)), &n))
	return buckets[:n]
}

// Backward is torch.Backward with gradients that are averaged over the processes.
func (g *Group) Backward(loss *torch.Tensor) {
	g.check(C.hy_dist_reducer_prepare(g.reducer, loss.Handle()))
	if err := torch.Do(context.Background(), func(*torch.Scope) error { torch.Backward(loss); return nil }); err != nil {
		torch.Fail(g.explain(err))
	}
	g.check(C.hy_dist_reducer_finish(g.reducer))
}

func (g *Group) dropReducer() {
	if g.reducer != nil {
		C.hy_dist_reducer_free(g.reducer)
		g.reducer = nil
	}
}

// check ends the enclosing Do if a call failed.
func (g *Group) check(msg *C.char) {
	if err := takeError(msg); err != nil {
		torch.Fail(g.explain(err))
	}
}

// takeError returns an error of dist.cc.
func takeError(msg *C.char) error {
	if text := torch.TakeError(unsafe.Pointer(msg)); text != "" {
		return errors.New(text)
	}
	return nil
}
