package dist

// #include "dist.h"
import "C"

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// A PeerError says that other processes ended or hang, so that this one cannot continue.
type PeerError struct {
	Peers []Peer // the missing processes; none if all answer and only the connection broke
	Err   error  // gloo's
}

// A Peer is a process that is missing.
type Peer struct {
	Rank   int
	Reason string // the error with which it ended, if it reported one
}

func (e *PeerError) Error() string {
	if len(e.Peers) == 0 {
		return fmt.Sprintf("dist: the connection to another process broke: %v", e.Err)
	}
	var all []string
	for _, p := range e.Peers {
		if p.Reason == "" {
			all = append(all, fmt.Sprintf("rank %d does not answer any more", p.Rank))
		} else {
			all = append(all, fmt.Sprintf("rank %d ended: %s", p.Rank, p.Reason))
		}
	}
	return "dist: " + strings.Join(all, "; ")
}

// Explained reports whether each of the missing processes said why it ended.
func (e *PeerError) Explained() bool {
	return len(e.Peers) > 0 && !slices.ContainsFunc(e.Peers, func(p Peer) bool { return p.Reason == "" })
}

func (e *PeerError) Unwrap() error { return e.Err }

// How often a process checks for an alarm, and how long it then waits for the others to answer.
const (
	look     = 500 * time.Millisecond
	rollCall = 2 * time.Second
)

// watch answers the first roll call and then ends. It does so even while libtorch's thread waits for a lost process.
func (g *Group) watch(ctx context.Context) {
	defer close(g.watched)
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, alarm, err := g.get("alarm")
		switch {
		case err != nil && g.env.Serve: // this machine lost its network
			return
		case err != nil:
			g.missing = []Peer{{Rank: 0}} // which holds the store
			return
		case alarm:
			g.callRoll()
			return
		}
	}
}

// callRoll finds the missing processes: those that reported their end, and those that do not answer.
func (g *Group) callRoll() {
	lost := g.set(key("here", g.env.Rank), "")
	here, left := map[int]bool{g.env.Rank: true}, map[int]string{}
	for deadline := time.Now().Add(rollCall); lost == nil && len(here)+len(left) < g.env.World && time.Now().Before(deadline); time.Sleep(look / 10) {
		for r := range g.env.World {
			if _, gone := left[r]; gone || here[r] {
				continue
			}
			reason, gone, err := g.get(key("left", r))
			if gone {
				left[r] = reason
			} else if _, answers, err := g.get(key("here", r)); answers {
				here[r] = true
			} else {
				lost = cmp.Or(lost, err)
			}
			lost = cmp.Or(lost, err)
		}
	}
	for r := range g.env.World {
		if !here[r] {
			g.missing = append(g.missing, Peer{r, left[r]})
		}
	}
}

// explain returns err or, if the connection failed, a [*PeerError].
func (g *Group) explain(err error) error {
	if text := err.Error(); !strings.Contains(text, "gloo") && !strings.Contains(text, "NCCL") {
		return err
	}
	g.failed = true
	go g.set("alarm", "") // waits forever if the store hangs
	select {
	case <-g.watched:
		return &PeerError{g.missing, err}
	case <-time.After(2*look + 2*rollCall):
		return &PeerError{[]Peer{{Rank: 0}}, err} // which holds the store
	}
}

// Leave tells the other processes, which cannot continue, why this one ends. It may be called from any goroutine.
func (g *Group) Leave(reason error) {
	done := make(chan struct{})
	go func() { // waits forever if the store hangs
		defer close(done)
		g.set(key("left", g.env.Rank), reason.Error())
		g.set("alarm", "")
		if g.env.Serve { // the others read it here
			<-g.watched
		}
	}()
	select {
	case <-done:
	case <-time.After(2*look + rollCall):
	}
}

// key returns the name of a process's key in the store.
func key(name string, rank int) string { return name + strconv.Itoa(rank) }

// set sets a key in the store.
func (g *Group) set(key, value string) error {
	k, v := C.CString(key), C.CString(value+"\n") // because an empty value counts as none
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	return takeError(C.hy_dist_set(g.c, k, v))
}

// get returns the value of a key in the store, if it is set.
func (g *Group) get(key string) (value string, set bool, err error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var v *C.char
	if err := takeError(C.hy_dist_get(g.c, k, &v)); err != nil || v == nil {
		return "", false, err
	}
	defer C.free(unsafe.Pointer(v))
	return strings.TrimSuffix(C.GoString(v), "\n"), true, nil
}
