package serve

import (
	"context"
	"slices"
	"sync"
)

// A line is a queue of a client's pictures. Those that take long to decode have their own, so that the others need not wait
// for them even if hostile and honest clients share an address.
type line struct {
	client client
	heavy  bool
}

// heavy is the work, in pixels times passes over them, from which a picture takes long to decode: a tenth of a second.
const heavy = 8_000_000

// turns decides which picture is decoded next: one of each line, in turn. It decodes as many at once as there are slots, and
// one more from a line that has none in progress, so that no line waits for the long pictures of others.
type turns struct {
	slots  int
	budget *budget

	mu      sync.Mutex
	running map[line]int
	total   int
	waiting map[line][]*turn
	order   []line // lines that wait, the next one first
}

// A turn is a picture that waits for its turn.
type turn struct {
	line  line
	bytes int64 // for decoding it
	come  chan struct{}
	// passed counts the pictures that were decoded before this one because there was no memory for it.
	passed int
}

// patience is how many pictures may be decoded before one for which there is no memory. Then all wait until there is.
const patience = 8

func newTurns(slots int, b *budget) *turns {
	return &turns{slots: slots, budget: b, running: map[line]int{}, waiting: map[line][]*turn{}}
}

// wait returns when a picture may be decoded. The caller must call [turns.done] afterwards.
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

// done ends a turn.
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

// next starts pictures as long as it can. If there is no memory for the next one, smaller ones may go first, but not
// forever.
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

// leave removes a picture from those that wait.
func (t *turns) leave(w *turn) {
	rest := slices.DeleteFunc(t.waiting[w.line], func(o *turn) bool { return o == w })
	if t.waiting[w.line] = rest; len(rest) == 0 {
		delete(t.waiting, w.line)
		t.order = slices.DeleteFunc(t.order, func(l line) bool { return l == w.line })
	}
}
