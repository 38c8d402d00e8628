package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// 24 clients with long pictures do not make a client with short ones at the same address wait.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(2, newBudget(1<<20))
		c := clientOf("192.0.2.1:1") // of both
		hostile, honest := line{c, true}, line{c, false}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 24 {
			wg.Go(func() {
				for turns.wait(ctx, hostile, 1000) == nil {
					time.Sleep(4 * time.Second)
					turns.done(hostile, 1000)
				}
			})
		}
		synctest.Wait()
		for range 100 {
			began := time.Now()
			if err := turns.wait(ctx, honest, 1000); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited > 0 {
				t.Errorf("waited %v, want no time", waited)
			}
			time.Sleep(10 * time.Millisecond)
			turns.done(honest, 1000)
		}
		cancel()
		wg.Wait()
		if turns.total != 0 || len(turns.running)+len(turns.waiting)+len(turns.order) != 0 || turns.budget.held() != 0 {
			t.Errorf("left behind: %+v, %d bytes", turns, turns.budget.held())
		}
	})
}

// Small pictures go before a large one for which there is no memory, but not forever.
func TestTurnsWaitForTheLargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(4, newBudget(1000))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var before atomic.Int64
		for i := range 8 {
			small := line{client: clientOf(fmt.Sprintf("192.0.2.%d:1", i))}
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				for turns.wait(ctx, small, 300) == nil {
					before.Add(1)
					time.Sleep(time.Second)
					turns.done(small, 300)
				}
			})
		}
		time.Sleep(2 * time.Second)
		before.Store(0)
		large := line{client: clientOf("192.0.2.99:1")}
		if err := turns.wait(ctx, large, 700); err != nil {
			t.Fatal(err)
		}
		if n, most := before.Load(), int64(patience+8); n > most {
			t.Errorf("%d small pictures began before the large one, want at most %d", n, most)
		}
		turns.done(large, 700)
		cancel()
		wg.Wait()
	})
}

// Clients are served one picture each, in turn, however many pictures they have waiting.
func TestTurnsGoAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, newBudget(1000))
		names := map[line]string{}
		var served []string
		var wg sync.WaitGroup
		blocker := line{client: clientOf("192.0.2.9:1")}
		// All memory is taken, so that no picture starts.
		if err := turns.wait(t.Context(), blocker, 750); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"a", "a", "a", "b", "c", "c"} {
			c := line{client: clientOf(fmt.Sprintf("192.0.2.%d:1", name[0]))}
			names[c] = name
			wg.Go(func() {
				if err := turns.wait(t.Context(), c, 700); err != nil {
					t.Error(i, err)
					return
				}
				served = append(served, names[c])
				time.Sleep(time.Second)
				turns.done(c, 700)
			})
			synctest.Wait() // in this order
		}
		turns.done(blocker, 750)
		wg.Wait()
		if want := []string{"a", "b", "c", "a", "c", "a"}; !slices.Equal(served, want) {
			t.Errorf("got %v, want %v", served, want)
		}
	})
}

// A request that gives up leaves its place in the line.
func TestTurnsGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, newBudget(1000))
		c := line{client: clientOf("192.0.2.1:1")}
		if err := turns.wait(t.Context(), c, 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := turns.wait(ctx, c, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		turns.done(c, 1)
		if turns.total != 0 || len(turns.order) != 0 {
			t.Errorf("left behind: %+v", turns)
		}
	})
}

func TestClientOf(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"[::ffff:192.0.2.1]:1", "192.0.2.1:2", true},
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:1", true},
		{"[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false},
		{"[fe80::1%eth0]:1", "[fe80::2%eth1]:1", true},
		{"@", "", true},
	} {
		if got := clientOf(tt.a) == clientOf(tt.b); got != tt.same {
			t.Errorf("%s and %s: the same client is %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
}

// A client without pictures in progress gets in even if others have all places.
func TestPlaces(t *testing.T) {
	p := newPlaces(2)
	a, b := clientOf("192.0.2.1:1"), clientOf("192.0.2.2:1")
	for i, tt := range []struct {
		client client
		want   bool
	}{{a, true}, {a, true}, {a, false}, {b, true}, {b, false}} {
		if got := p.take(tt.client, 1); got != tt.want {
			t.Errorf("step %d: got %v, want %v", i, got, tt.want)
		}
	}
}

// Refusals of one client are delayed one after another; those of another client are not.
func TestPace(t *testing.T) {
	p, now := newPace(time.Second), time.Now()
	a, b := clientOf("192.0.2.1:1"), clientOf("192.0.2.2:1")
	for i, tt := range []struct {
		client client
		after  time.Duration
		want   time.Duration
	}{{a, 0, 0}, {a, 0, time.Second}, {a, 0, 2 * time.Second}, {b, 0, 0}, {a, time.Minute, 0}} {
		if got := p.book(tt.client, now.Add(tt.after)); got != tt.want {
			t.Errorf("step %d: got %v, want %v", i, got, tt.want)
		}
	}
	for i := range 5000 {
		p.book(clientOf(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)), now.Add(time.Duration(i)*time.Hour))
	}
	if n := len(p.next); n > 1001 {
		t.Errorf("%d clients are remembered", n)
	}
}
