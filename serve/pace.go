package serve

import (
	"context"
	"sync"
	"time"
)

// A pace delays the refusals of each client, so that a client that sends too large pictures in a loop does not slow down
// others.
type pace struct {
	every time.Duration

	mu   sync.Mutex
	next map[client]time.Time // when a client's next refusal may come
}

func newPace(every time.Duration) *pace { return &pace{every: every, next: map[client]time.Time{}} }

// wait returns when a client may be refused, or ctx is done.
func (p *pace) wait(ctx context.Context, c client) {
	pause := time.NewTimer(p.book(c, time.Now()))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
}

// book returns how long a client must wait.
func (p *pace) book(c client, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	const many = 1000
	if len(p.next) >= many {
		for c, at := range p.next {
			if at.Before(now) {
				delete(p.next, c)
			}
		}
	}
	at := p.next[c]
	if at.Before(now) {
		at = now
	}
	p.next[c] = at.Add(p.every)
	return at.Sub(now)
}
