package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hymenoptera/internal/untrained"
	"hymenoptera/serve"
)

// A live server listens on a free port.
type live struct {
	*serve.Server
	url  string
	stop func() error // ends it and returns what Serve returned
}

func listen(t *testing.T, s *serve.Server, scheme string) live {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()
	l := live{s, scheme + "://" + listener.Addr().String(), sync.OnceValue(func() error { stop(); return <-done })}
	t.Cleanup(func() { l.stop() })
	return l
}

func (l live) post(client *http.Client, data []byte) (int, serve.Answer, string) {
	r, err := client.Post(l.url+"/v1/predict", "image/jpeg", bytes.NewReader(data))
	if err != nil {
		return 0, serve.Answer{}, err.Error()
	}
	defer r.Body.Close()
	return read(r.StatusCode, r.Body)
}

// A server that ends answers the requests that it accepted and takes no more.
func TestServeEndsGracefully(t *testing.T) {
	s := newServer(t, func(c *serve.Config) { c.MaxWait = 300 * time.Millisecond })
	l := listen(t, s, "http")
	data := pictures(t)[0]
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if status, _, text := l.post(http.DefaultClient, data); status != 200 {
				t.Errorf("status %d, %s", status, text)
			}
		})
	}
	for waiting(t, s) != "5" {
		time.Sleep(time.Millisecond)
	}
	if err := l.stop(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if status, _, text := l.post(&http.Client{Transport: &http.Transport{}}, data); status != 0 {
		t.Errorf("afterwards: status %d, %s", status, text)
	}
}

// Reloads under load drop no request; each is answered by the old network or by the new one, and those that come
// after a reload by the new one. A file that cannot be loaded changes nothing.
func TestReload(t *testing.T) {
	file := checkpoint(t, 1)
	s := newServerOf(t, file, nil)
	l := listen(t, s, "http")
	data := pictures(t)[0]
	logits := func() []float32 {
		status, a, text := l.post(http.DefaultClient, data)
		if status != 200 {
			t.Errorf("status %d, %s", status, text)
			return make([]float32, 2)
		}
		return a.Predictions[0].Logits
	}
	want := [2][]float32{logits()}
	replace := func(seed uint64) {
		fresh := filepath.Join(t.TempDir(), "fresh.safetensors")
		if err := untrained.Write(fresh, seed, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, file); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	replace(2)
	if want[1] = logits(); close(want[0], want[1]) {
		t.Fatal("the two networks say the same")
	}
	var stop atomic.Bool
	var asked atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				asked.Add(1)
				if got := logits(); !close(got, want[0]) && !close(got, want[1]) {
					t.Errorf("got %v, want one of %v", got, want)
				}
			}
		})
	}
	for i := range 6 {
		replace(uint64(1 + i%2))
		if got := logits(); !close(got, want[i%2]) {
			t.Errorf("after reload %d: got %v, want %v", i, got, want[i%2])
		}
	}
	stop.Store(true)
	wg.Wait()
	if n := asked.Load(); n < 6 {
		t.Errorf("only %d requests came during the reloads", n)
	}
	if err := os.WriteFile(file, []byte("no network"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(t.Context()); err == nil {
		t.Error("a broken file was loaded")
	}
	if got := logits(); !close(got, want[1]) {
		t.Errorf("after a failed reload: got %v, want %v", got, want[1])
	}
}

// HTTPS and the token, as a client sees them.
func TestTLS(t *testing.T) {
	example := httptest.NewTLSServer(nil) // for its certificate
	defer example.Close()
	s := newServer(t, func(c *serve.Config) {
		c.TLS, c.Token = &tls.Config{Certificates: example.TLS.Certificates}, "secret"
	})
	l := listen(t, s, "https")
	if status, _, text := l.post(example.Client(), pictures(t)[0]); status != 401 {
		t.Errorf("status %d, %s, want 401", status, text)
	}
	r, err := http.NewRequest("GET", l.url+"/v1/model", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "bearer secret")
	answer, err := example.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 || answer.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("status %d, headers %v", answer.StatusCode, answer.Header)
	}
}

// 10,000 malformed bodies and 100 clients that send a byte now and then: the others get their answers, and nothing is left
// behind.
func TestBadClients(t *testing.T) {
	s := newServer(t, func(c *serve.Config) { c.Queue = 8 })
	l := listen(t, s, "http")
	data := pictures(t)[0]
	before := runtime.NumGoroutine()
	address := strings.TrimPrefix(l.url, "http://")
	var slow []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(data))
		slow = append(slow, conn)
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := range 2500 {
				body, kind := malformed(rng, data)
				if status, _, text := post(s, kind, bytes.NewReader(body)); status < 400 || status >= 500 {
					t.Errorf("body %d: status %d, %s", i, status, text)
				}
				if i%100 == 0 {
					slow[rng.IntN(len(slow))].Write(data[:1])
				}
			}
		})
	}
	for i := range 20 {
		if status, _, text := l.post(http.DefaultClient, data); status != 200 {
			t.Errorf("good request %d: status %d, %s", i, status, text)
		}
	}
	wg.Wait()
	if got := waiting(t, s); got != "0" {
		t.Errorf("%s pictures are waiting", got)
	}
	http.DefaultClient.CloseIdleConnections()
	for _, conn := range slow {
		conn.Close()
	}
	if err := l.stop(); err != nil {
		t.Error(err)
	}
	if got := runtime.NumGoroutine(); got > before {
		t.Errorf("%d goroutines, had %d", got, before)
	}
}

// malformed returns a body that is not a picture: one cut short, with a changed header, or of noise, perhaps in a form.
func malformed(rng *rand.Rand, picture []byte) (body []byte, kind string) {
	body = bytes.Clone(picture)
	switch rng.IntN(3) {
	case 0:
		body = body[:rng.IntN(len(body)/2)]
	case 1:
		for range 20 {
			body[rng.IntN(16)] = byte(rng.Uint32())
		}
		body[0] = 'x'
	case 2:
		body = body[:rng.IntN(400)]
		for i := range body {
			body[i] = byte(rng.Uint32())
		}
	}
	if rng.IntN(2) == 0 {
		return body, "image/jpeg"
	}
	form := "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.jpg\"\r\n\r\n" + string(body)
	if rng.IntN(2) == 0 {
		form += "\r\n--b--\r\n"
	}
	return []byte(form), "multipart/form-data; boundary=b"
}

// At the limit of connections, those that send nothing are closed first, and a client gets its answer.
func TestConnections(t *testing.T) {
	s := newServer(t, func(c *serve.Config) { c.Connections = 8 })
	l := listen(t, s, "http")
	address := strings.TrimPrefix(l.url, "http://")
	for range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
	}
	data := pictures(t)[0]
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for i := range 3 {
		if status, _, text := l.post(client, data); status != 200 {
			t.Errorf("request %d: status %d, %s", i, status, text)
		}
	}
}
