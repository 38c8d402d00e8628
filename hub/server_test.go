package hub_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hymenoptera/hub"
)

// content returns n bytes that are the same every time.
func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// A server serves one file, correctly unless answers are set.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	body    []byte
	etag    string
	answers []http.HandlerFunc // to the next requests, one each; then the file
	ranges  []string           // the Range headers of the requests
}

func newServer(t *testing.T, body []byte) *server {
	t.Helper()
	s := &server{body: body, etag: `"1"`}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	answer := s.serve
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	s.mu.Unlock()
	answer(w, r)
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	body, etag := s.body, s.etag
	s.mu.Unlock()
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	http.ServeContent(w, r, "file.pth", time.Time{}, bytes.NewReader(body))
}

// cut serves the file but breaks the connection after n bytes of the answer.
func (s *server) cut(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.serve(&cutWriter{w, n}, r)
	}
}

type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	c.ResponseWriter.Write(b[:c.left])
	http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// status answers with a status code, and with a Retry-After header unless it is "".
func status(code int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
		fmt.Fprintln(w, "not the file")
	}
}

// first sets the answers to the next requests.
func (s *server) first(answers ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

// requests returns the Range headers of the requests so far and forgets them.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rs := s.ranges
	s.ranges = nil
	return rs
}

// A fixture is a path to fetch to, with a log and the waits between requests.
type fixture struct {
	cfg  hub.Config
	path string
	log  strings.Builder
	naps []time.Duration
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{cfg: hub.DefaultConfig(), path: filepath.Join(t.TempDir(), "checkpoints", "file.pth")}
	f.cfg.Log = func(line string) { fmt.Fprintln(&f.log, line) }
	f.cfg.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	f.cfg.Sleep = func(ctx context.Context, d time.Duration) error {
		f.naps = append(f.naps, d)
		return context.Cause(ctx)
	}
	return f
}

// fetch calls Fetch and checks its promise: the file under the final name is the whole one or the old one.
func (f *fixture) fetch(t *testing.T, ctx context.Context, file hub.File, want []byte) error {
	t.Helper()
	before, errBefore := os.ReadFile(f.path)
	_, err := hub.Fetch(ctx, f.cfg, file, f.path)
	got, errRead := os.ReadFile(f.path)
	switch {
	case err == nil && !bytes.Equal(got, want):
		t.Fatalf("%d bytes that are not the file's %d are under the final name", len(got), len(want))
	case err != nil && ((errRead == nil) != (errBefore == nil) || !bytes.Equal(got, before)):
		t.Fatalf("the final name changed though Fetch failed: %v", err)
	case err == nil:
		f.alone(t)
	}
	return err
}

// alone fails the test if there are other files beside the file.
func (f *fixture) alone(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(f.path) {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}
