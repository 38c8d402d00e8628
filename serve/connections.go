package serve

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// connections limits the number of connections. At the limit, the client with the most connections loses the one that has
// sent nothing for longest, so that slow clients do not keep others out.
type connections struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[*connection]bool
}

func newConnections(l net.Listener, most int) *connections {
	return &connections{Listener: l, most: most, open: map[*connection]bool{}}
}

// A connection remembers when it last received something.
type connection struct {
	net.Conn
	all    *connections
	client client
	heard  atomic.Int64 // nanoseconds since 1970
	busy   atomic.Bool  // its request was received and is being answered
}

func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		fresh := &connection{Conn: accepted, all: c, client: clientOf(accepted.RemoteAddr().String())}
		fresh.heard.Store(time.Now().UnixNano())
		loser, ok := c.admit(fresh)
		if loser != nil {
			loser.Close()
		}
		if ok {
			return fresh, nil
		}
		accepted.Close()
	}
}

// admit counts a connection, and returns the one that must be closed for it, if any. ok is false if all are being answered.
func (c *connections) admit(fresh *connection) (loser *connection, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		if loser = c.loser(fresh.client); loser == nil {
			return nil, false
		}
		delete(c.open, loser)
	}
	c.open[fresh] = true
	return loser, true
}

// loser returns the connection to close for a new one of the client fresh, or nil.
func (c *connections) loser(fresh client) (loser *connection) {
	count := map[client]int{fresh: 1}
	for o := range c.open {
		count[o.client]++
	}
	for o := range c.open {
		if o.busy.Load() {
			continue
		}
		more := 1
		if loser != nil {
			more = count[o.client] - count[loser.client]
		}
		if more > 0 || more == 0 && o.heard.Load() < loser.heard.Load() {
			loser = o
		}
	}
	return loser
}

func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

func (c *connection) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// connectionKey is the key of the connection in a request's context.
type connectionKey struct{}

// withConnection is an [http.Server]'s ConnContext.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if encrypted, ok := c.(*tls.Conn); ok {
		c = encrypted.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

// answering marks a request's connection as one that must not be closed until the returned function is called.
func answering(r *http.Request) (done func()) {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok {
		return func() {}
	}
	c.busy.Store(true)
	return func() { c.busy.Store(false) }
}
