package serve

import (
	"context"
	"slices"
	"sync"
)

// A line is where a client's pictures wait: those that take long to decode apart from the others, so that these need not
// wait for them even where hostile and honest clients share an address.
type line struct {
	client client
	heavy  bool
}

// heavy is how often a picture's pixels are passed over, at least, for it to be one that takes long: a tenth of a second.
const heavy = 8_000_000

// turns say whose picture is decoded next: one of each line, in turn. As many are decoded at once as there are slots, and
// one more of a line of which none is, so that no line waits for the long pictures of others.
type turns struct {
	slots  int
	budget *budget

	mu      sync.Mutex
	running map[line]int
	total   int
	waiting map[line][]*turn
	order   []line // those that wait, the next first
}

// A turn is a picture that waits for it.
type turn struct {
	line  line
	bytes int64 // that it takes to decode
	come  chan struct{}
	// passed counts the pictures that went before it because there was no memory for it.
	passed int
}

// patience is how many pictures may go before one for which there is no memory. Then none does, until there is.
const patience = 8

func newTurns(slots int, b *budget) *turns {
	return &turns{slots: slots, budget: b, running: map[line]int{}, waiting: map[line][]*turn{}}
}

// wait returns when a picture may be decoded, which the caller must tell [turns.done] the end of.
func (t *turns) wait(ctx context.Context, l line, bytes int64) error {
	w := &turn{line: l, bytes: bytes, come: make(chan struct{})}
	t.mu.Lock()
	if len(t.waiting[l]) == 0 {
		t.order = append(t.order, l)
	}
	t.waiting[l] = append(t.waiting[l], w)
	t.next()
	t.mu.Unlock()
	select {
	case <-w.come:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	select {
	case <-w.come: // meanwhile
		t.mu.Unlock()
		t.done(l, bytes)
		return ctx.Err()
	default:
	}
	defer t.mu.Unlock()
	t.leave(w)
	return ctx.Err()
}

// done gives a turn back.
func (t *turns) done(l line, bytes int64) {
	t.budget.decoded(bytes)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.running[l]--; t.running[l] == 0 {
		delete(t.running, l)
	}
	t.next()
}

// next lets pictures begin for as long as some may. If there is no memory for the one whose turn it is, smaller ones may go
// before it, but not for ever.
func (t *turns) next() {
	var blocked []*turn
	for i := 0; i < len(t.order); i++ {
		l := t.order[i]
		if t.total >= t.slots && (t.total > t.slots || t.running[l] > 0) {
			continue
		}
		w := t.waiting[l][0]
		if !t.budget.tryDecode(w.bytes) {
			if w.passed >= patience {
				return
			}
			blocked = append(blocked, w)
			continue
		}
		for _, b := range blocked {
			b.passed++
		}
		t.total++
		t.running[l]++
		t.leave(w)
		if len(t.waiting[l]) > 0 { // behind the others
			at := slices.Index(t.order, l)
			t.order = append(slices.Delete(t.order, at, at+1), l)
		}
		close(w.come)
		blocked, i = nil, -1
	}
}

// leave takes a picture out of those that wait.
func (t *turns) leave(w *turn) {
	rest := slices.DeleteFunc(t.waiting[w.line], func(o *turn) bool { return o == w })
	if t.waiting[w.line] = rest; len(rest) == 0 {
		delete(t.waiting, w.line)
		t.order = slices.DeleteFunc(t.order, func(l line) bool { return l == w.line })
	}
}
