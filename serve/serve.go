// Package serve classifies pictures over HTTP.
//
//	s, err := serve.New(ctx, "runs/bees/best.safetensors", serve.DefaultConfig())
//	defer s.Close()
//	listener, err := net.Listen("tcp", "127.0.0.1:8080")
//	err = s.Serve(ctx, listener) // until ctx is done; then it answers the accepted requests
//
// Pictures of different requests go through the network together. The memory and time of each request, and of all of
// them together, are bounded: when the queue is full, a client gets status 429 and may try again. openapi.json
// describes the requests. The server has no users and stores no pictures.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hymenoptera/classify"
	results "hymenoptera/metrics"
)

// Config holds the settings and limits of a server.
type Config struct {
	Classify    classify.Config
	MaxBatch    int           // most pictures that go through the network together
	MaxWait     time.Duration // that a picture waits for others to join its batch
	Queue       int           // most waiting pictures; a request that would exceed it gets status 429
	Memory      int64         // bytes that connections, requests and batches may take, besides the idle network
	Connections int           // at once
	MaxPictures int           // per request
	MaxBody     int64         // bytes per request
	MaxPixels   int           // per picture
	Timeout     time.Duration // from a request's first byte to its answer
	Grace       time.Duration // for accepted requests, when the server ends
	Token       string        // that requests must carry; "" for none
	Origins     []string      // other sites whose pages may send requests, as https://example.org
	TLS         *tls.Config   // nil for plain HTTP
	Log         *slog.Logger  // the access log and errors
}

// DefaultConfig returns limits for a small machine, without a log.
func DefaultConfig() Config {
	return Config{
		Classify: classify.DefaultConfig(), MaxBatch: 8, MaxWait: 2 * time.Millisecond, Queue: 256, MaxPictures: 64,
		Memory: 1 << 30, Connections: 256, MaxBody: 20 << 20, MaxPixels: 25_000_000, Timeout: 30 * time.Second, Grace: 30 * time.Second,
		Log: slog.New(slog.DiscardHandler),
	}
}

// A ConfigError says which field of a [Config] has a value that is not allowed.
type ConfigError struct {
	Field string // MaxBatch, for example
	Value any
	Want  string // the allowed values
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("serve: %s %v: want %s", e.Field, e.Value, e.Want)
}

// Network returns the description of the network that answers now.
func (s *Server) Network() (card classify.Card, unsure results.Cut) {
	m := s.acquire()
	defer m.users.Done()
	return m.Card, m.Cut
}

// Validate returns a [*ConfigError] if a server could not answer with these settings.
func (c Config) Validate() error {
	for _, limit := range []struct {
		ok    bool
		field string
		value any
		want  string
	}{
		{c.MaxBatch >= 1 && c.MaxBatch <= 4096, "MaxBatch", c.MaxBatch, "1 to 4096"},
		{c.MaxWait >= 0 && c.MaxWait <= time.Minute, "MaxWait", c.MaxWait, "0s to 1m"},
		{c.Queue >= 1 && c.Queue <= 1<<20, "Queue", c.Queue, "1 to 1048576"},
		{c.Memory >= 1, "Memory", c.Memory, "1 byte or more"},
		{c.Connections >= 1 && c.Connections <= 1<<20, "Connections", c.Connections, "1 to 1048576"},
		{c.MaxPictures >= 1, "MaxPictures", c.MaxPictures, "1 or more"},
		{c.MaxBody >= 1 && c.MaxBody <= 1<<40, "MaxBody", c.MaxBody, "1 byte to 1 TiB"},
		{c.MaxPixels >= 1, "MaxPixels", c.MaxPixels, "1 or more"},
		{c.Timeout > 0, "Timeout", c.Timeout, "more than 0s"},
		{c.Grace > 0, "Grace", c.Grace, "more than 0s"},
	} {
		if !limit.ok {
			return &ConfigError{limit.field, limit.value, limit.want}
		}
	}
	for _, origin := range c.Origins {
		if err := new(http.CrossOriginProtection).AddTrustedOrigin(origin); err != nil || origin == "null" {
			return &ConfigError{"Origins", fmt.Sprintf("%q", origin), "a scheme and a host, as https://example.org"}
		}
	}
	return nil
}

// A MemoryError says that Config.Memory is too small for any request.
type MemoryError struct{ Memory, Least int64 }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("serve: %d bytes of memory for connections, requests and batches: want at least %d, or smaller batches and fewer connections", e.Memory, e.Least)
}

// Bytes of a connection: its header at most, and the memory for its header, buffers and goroutines.
const (
	maxHeader       = 16 << 10
	connectionBytes = 256 << 10
)

// A Server classifies the pictures of HTTP requests. It must be closed.
type Server struct {
	cfg     Config
	path    string // the checkpoint
	handler http.Handler
	metrics *metrics

	mu      sync.RWMutex // of model
	model   *model
	closing atomic.Bool

	memory *budget // of requests
	places *places // pictures on their way
	turns  *turns  // of pictures to be decoded
	pace   *pace   // of refusals of large pictures
	idle   idler
	items  chan *item
	active sync.WaitGroup // requests that may send items
	done   chan struct{}  // closed when the batcher has ended
}

// idleAfter is the time without requests after which memory goes back to the system.
const idleAfter = 10 * time.Second

// New opens the best.safetensors of a run to serve it.
func New(ctx context.Context, path string, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := openModel(ctx, path, cfg.Classify)
	if err != nil {
		return nil, err
	}
	memory, err := m.room(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	s := &Server{
		cfg: cfg, path: path, model: m, memory: memory,
		places: newPlaces(cfg.Queue),
		turns:  newTurns(runtime.GOMAXPROCS(0), memory),
		pace:   newPace(10 * time.Millisecond),
		items:  make(chan *item, cfg.Queue),
		done:   make(chan struct{}),
	}
	s.idle = idler{after: idleAfter, f: memory.rest}
	s.metrics = newMetrics(memory.held)
	s.handler = s.routes()
	go func() {
		defer close(s.done)
		s.batches()
	}()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header(), s.cfg.TLS != nil)
	s.allowOrigin(w, r)
	s.handler.ServeHTTP(w, r)
}

// Listen listens on an address and a port. Unlike for net.Listen, 0.0.0.0 means only all IPv4 addresses.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	network := "tcp"
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().Is4() {
		network = "tcp4"
	}
	var config net.ListenConfig
	return config.Listen(ctx, network, addr)
}

// Serve answers requests until ctx is done. Then it accepts no more, answers the accepted ones within the configured
// grace, and returns nil.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	const headers = 5 * time.Second
	h := &http.Server{
		Handler: s, TLSConfig: s.cfg.TLS, ReadHeaderTimeout: headers, ReadTimeout: s.cfg.Timeout,
		WriteTimeout: s.cfg.Timeout + headers, IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader,
		ConnContext: withConnection, Protocols: new(http.Protocols),
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	h.Protocols.SetHTTP1(true) // an HTTP/2 connection holds a megabyte before the budget is asked
	listener = newConnections(listener, s.cfg.Connections)
	ended := make(chan error, 1)
	go func() {
		if s.cfg.TLS != nil {
			ended <- h.ServeTLS(listener, "", "")
		} else {
			ended <- h.Serve(listener)
		}
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.closing.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
	defer cancel()
	if err := h.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("serve: requests were still unanswered after %v", s.cfg.Grace), h.Close())
	}
	return nil
}

// room returns the budget for requests: cfg.Memory without the memory for connections and a batch.
func (m *model) room(ctx context.Context, cfg Config) (*budget, error) {
	batch, err := m.batchBytes(ctx, cfg.MaxBatch)
	if err != nil {
		return nil, err
	}
	const least = 16 << 20 // for an ordinary photograph
	others := batch + int64(cfg.Connections)*connectionBytes
	if cfg.Memory < others+least {
		return nil, &MemoryError{cfg.Memory, others + least}
	}
	return newBudget(cfg.Memory - others), nil
}

// Close waits for the requests in progress and frees the network. No request may come afterwards.
func (s *Server) Close() error {
	s.closing.Store(true)
	s.active.Wait()
	s.idle.close()
	close(s.items)
	<-s.done
	return s.model.close()
}
