package dataset

import (
	"context"
	"fmt"
	"image"
	"io"
	"sync"
)

// prefetch is how many batches each worker makes ahead, like the DataLoader's prefetch_factor.
const prefetch = 2

// An Epoch is one pass over a loader's samples. Next and Close belong to one goroutine.
type Epoch struct {
	loader *Loader
	stop   context.CancelFunc
	wg     sync.WaitGroup
	closed bool
	err    error // the error that Next returns from now on
	inline bool  // no workers: batches are made in Next

	ahead *ahead // nil if all shards are here

	slots []slot
	jobs  []chan int // batches to make, one channel per worker

	mu         sync.Mutex
	delivered  int      // batches that Next has returned
	drawn      []uint64 // words that each worker has drawn for these batches
	dispatched int      // batches that were given to workers
}

// A slot holds one batch at a time.
type slot struct {
	batch Batch
	held  bool       // from dispatch to release
	drawn uint64     // words that the worker had drawn after the batch
	done  chan error // the worker's result
}

// start makes the workers and gives them the first batches, beginning at a position.
func (e *Epoch) start(ctx context.Context, base uint64, main Source, at Position) {
	l := e.loader
	ctx, e.stop = context.WithCancel(ctx)
	e.slots = make([]slot, l.layout.Slots)
	for i := range e.slots {
		s := &e.slots[i]
		s.batch = Batch{Slot: i, epoch: e, Labels: make([]int64, l.cfg.BatchSize), Indices: make([]int, l.cfg.BatchSize)}
		s.done = make(chan error, 1)
	}
	e.delivered, e.dispatched = at.Batches, at.Batches
	if e.inline = l.cfg.Workers == 0; e.inline {
		l.makers[0].src = main
		return
	}
	e.jobs, e.drawn = make([]chan int, l.cfg.Workers), make([]uint64, l.cfg.Workers)
	copy(e.drawn, at.Drawn)
	if e.ahead = l.folder.newAhead(l.order[min(at.Batches*l.cfg.BatchSize, len(l.order)):]); e.ahead != nil {
		e.wg.Go(func() { e.ahead.run(ctx) })
	}
	for w := range e.jobs {
		jobs := make(chan int, prefetch)
		e.jobs[w] = jobs
		m := l.makers[w]
		m.seed(base + uint64(w))
		m.own.Skip(e.drawn[w])
		e.wg.Go(func() { e.work(ctx, m, jobs) })
	}
	e.mu.Lock()
	e.dispatch()
	e.mu.Unlock()
}

// work makes batches until there are no more jobs.
func (e *Epoch) work(ctx context.Context, m *maker, jobs <-chan int) {
	defer m.close()
	for k := range jobs {
		s := &e.slots[k%len(e.slots)]
		err := e.fill(ctx, m, k, &s.batch)
		s.drawn = m.own.Drawn()
		s.done <- err
	}
}

// fill makes batch k.
func (e *Epoch) fill(ctx context.Context, m *maker, k int, b *Batch) error {
	l := e.loader
	indices := l.indices(l.order, k)
	n := len(indices)
	b.number, b.N = k, n
	if l.layout.Pixels {
		b.Pixels = l.slots[b.Slot].Bytes[:n*l.layout.SampleLen()]
		if l.tf.Erasing.P > 0 {
			b.Erase = make([]image.Rectangle, n)
		}
	} else {
		b.Images = l.slots[b.Slot].Floats[:n*l.layout.SampleLen()]
	}
	b.Labels, b.Indices = b.Labels[:n], b.Indices[:n]
	copy(b.Indices, indices)
	for i, index := range indices {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.Labels[i] = int64(l.folder.Samples[index].Label)
		if err := m.sample(ctx, b, i, index); err != nil {
			return l.folder.sampleError(index, err)
		}
	}
	return nil
}

// dispatch gives the workers all batches that may be made now. A batch may be made once the batch 2*workers before it has
// been delivered (the DataLoader's plan) and the previous batch in its slot has been released. mu must be held.
func (e *Epoch) dispatch() {
	for k := e.dispatched; k < e.loader.Batches() && k < e.delivered+prefetch*len(e.jobs); k++ {
		s := &e.slots[k%len(e.slots)]
		if s.held || e.closed {
			return
		}
		s.held = true
		if e.ahead != nil {
			e.ahead.needs(e.loader.folder, e.loader.indices(e.loader.order, k))
		}
		e.jobs[k%len(e.jobs)] <- k // never blocks: a worker has at most prefetch batches
		e.dispatched++
	}
}

// Next returns the next batch, which the caller must release. After the last one it returns io.EOF. The first error ends
// the epoch. An error about a sample names the file, its class and its index in the folder; after a cancellation of ctx the
// error is the context's.
func (e *Epoch) Next(ctx context.Context) (*Batch, error) {
	if e.err == nil && e.closed {
		e.err = fmt.Errorf("dataset: the epoch is closed")
	}
	if e.err == nil && e.delivered == e.loader.Batches() {
		e.err = io.EOF
	}
	if e.err != nil {
		return nil, e.err
	}
	var b *Batch
	if b, e.err = e.next(ctx); e.err != nil {
		if err := ctx.Err(); err != nil {
			e.err = err
		}
		return nil, e.err
	}
	return b, nil
}

// next waits for a batch or makes it.
func (e *Epoch) next(ctx context.Context) (*Batch, error) {
	k := e.delivered
	s := &e.slots[k%len(e.slots)]
	e.mu.Lock()
	waiting := e.inline && s.held || !e.inline && e.dispatched <= k
	if e.inline {
		s.held = true
	}
	e.mu.Unlock()
	if waiting {
		return nil, fmt.Errorf("dataset: batch %d: all %d slots are in use: release batches first", k, len(e.slots))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.inline {
		if err := e.fill(ctx, e.loader.makers[0], k, &s.batch); err != nil {
			return nil, err
		}
		e.delivered++
		return &s.batch, nil
	}
	select {
	case err := <-s.done:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e.mu.Lock()
	e.drawn[k%len(e.jobs)] = s.drawn
	e.delivered++
	e.dispatch()
	e.mu.Unlock()
	return &s.batch, nil
}

// release frees a batch's slot.
func (e *Epoch) release(b *Batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.slots[b.Slot]
	s.held = false
	if !e.inline {
		e.dispatch()
	}
}

// Close stops the workers and waits until each has finished its current sample. It may be called more than once. Batches
// that are not released yet must not be used afterwards.
func (e *Epoch) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed = true
	for _, jobs := range e.jobs {
		close(jobs)
	}
	e.mu.Unlock()
	e.stop()
	e.wg.Wait()
	if e.inline {
		e.loader.makers[0].close()
	}
	e.loader.busy.Store(false)
}
