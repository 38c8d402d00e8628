package serve

import (
	"net/http"
	"sync"
	"time"

	"hymenoptera/internal/malloc"
)

// A budget bounds the bytes that requests make the process hold. Returned bytes count as held until the
// collector and malloc have given them back to the system.
type budget struct {
	most int64 // for bodies and decoding together

	mu       sync.Mutex
	bodies   int64            // of all clients, with the other memory of a request until its answer
	by       map[client]int64 // the same by client
	decoding int64
	garbage  int64  // given back, but perhaps not to the system
	giveBack func() // to the system
}

func newBudget(most int64) *budget {
	return &budget{most: most, by: map[client]int64{}, giveBack: malloc.GiveBack}
}

// Bodies may take a quarter, and decoding the rest: it must always be able to continue, since only then are bodies released.
func (b *budget) mostBodies() int64   { return b.most / 4 }
func (b *budget) mostDecoding() int64 { return b.most - b.mostBodies() }

// A client may hold three times as much as is left free, so that some is always left for a client that holds nothing.
const share = 3

// alone is the memory that a client may hold if it is the only one.
func (b *budget) alone() int64 { return b.mostBodies() * share / (share + 1) }

// take lets a client hold n more bytes for a body, if its limit allows that and they are free.
func (b *budget) take(c client, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.mostBodies() - b.bodies - n
	if b.by[c]+n > share*free || !b.room(n) {
		return false
	}
	b.bodies += n
	b.by[c] += n
	return true
}

func (b *budget) give(c client, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies -= n
	if b.by[c] -= n; b.by[c] == 0 {
		delete(b.by, c)
	}
	b.garbage += n
}

// tryDecode reserves n bytes to decode a picture, if they are free. They are when nothing else is decoded and n is no
// more than mostDecoding.
func (b *budget) tryDecode(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.room(n) {
		return false
	}
	b.decoding += n
	return true
}

func (b *budget) decoded(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.decoding -= n
	b.garbage += n
}

// discard counts bytes that were allocated and dropped without having been taken.
func (b *budget) discard(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.garbage += n
}

// room reports whether n bytes are free, after returning freed memory to the system if necessary.
func (b *budget) room(n int64) bool {
	held := b.bodies + b.decoding
	if held+n > b.most {
		return false
	}
	if held+b.garbage+n > b.most {
		b.giveBack()
		b.garbage = 0
	}
	return true
}

// held returns the bytes that are held.
func (b *budget) held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bodies + b.decoding
}

// rest gives all free memory back to the system. It is called after a time without requests.
func (b *budget) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.giveBack()
	b.garbage = 0
}

// An allowance is the part of a budget that one request holds.
type allowance struct {
	budget *budget
	client client
	n      int64
}

func (a *allowance) take(n int64) error {
	if most := a.budget.alone(); a.n+n > most {
		return fail(http.StatusRequestEntityTooLarge, "the request takes more than the %d bytes of memory that there are for one (--memory)", most)
	}
	if !a.budget.take(a.client, n) {
		return errBusy
	}
	a.n += n
	return nil
}

func (a *allowance) give(n int64) {
	a.budget.give(a.client, n)
	a.n -= n
}

func (a *allowance) release() { a.give(a.n) }

// An idler calls a function after a time without requests. It has no timer if there were none.
type idler struct {
	after time.Duration
	f     func()

	mu     sync.Mutex
	active int
	timer  *time.Timer // nil while something is under way
	closed bool
}

func (i *idler) begin() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active++
	i.stop()
}

func (i *idler) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.active--; i.active == 0 && !i.closed {
		i.timer = time.AfterFunc(i.after, i.rest)
	}
}

func (i *idler) rest() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.active == 0 && !i.closed {
		i.f()
	}
}

func (i *idler) stop() {
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}

// close waits for the function if it is running.
func (i *idler) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	i.stop()
}
