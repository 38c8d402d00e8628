package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hymenoptera/internal/hostile"
	_ "hymenoptera/internal/malloc/jemalloc" // as the program has
	"hymenoptera/internal/untrained"
)

// Clients try to make the process exceed its memory limit: with connections, headers, bodies, forms, and pictures of which
// few fit at once. The process, which includes the clients, grows by at most a tenth more than the limit.
func TestMemoryIsBounded(t *testing.T) {
	if underRace {
		t.Skip("the race detector takes memory of its own")
	}
	file := filepath.Join(t.TempDir(), "best.safetensors")
	if err := untrained.Write(file, 1, nil); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Memory, cfg.Connections, cfg.MaxBody, cfg.MaxPixels = 256<<20, 64, 8<<20, 60_000_000
	s, err := New(t.Context(), file, cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	address := listener.Addr().String()
	post := func(kind string, body []byte) (status int) {
		r, err := http.Post("http://"+address+"/v1/predict", kind, bytes.NewReader(body))
		if err != nil {
			return 0 // the server closed the connection
		}
		defer r.Body.Close()
		io.Copy(io.Discard, r.Body)
		return r.StatusCode
	}
	large := hostile.PNG(5000, 5000, 16, 6, true)    // 100 MB
	scans := hostile.JPEG(5000, 5000, 20)            // 50 MB of coefficients, and 75 of pixels
	tooLarge := hostile.PNG(7071, 7071, 16, 6, true) // 200 MB
	zeros := make([]byte, 8<<20)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for i := range 3 {
		part, err := w.CreateFormFile("file", fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		part.Write(large)
	}
	w.Close()
	attack := func() error {
		var wg sync.WaitGroup
		var held []net.Conn
		for i := range 100 { // bodies that do not end, and headers of many short lines
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return err
			}
			held = append(held, conn)
			wg.Go(func() {
				if i%2 == 0 {
					io.WriteString(conn, "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
					conn.Write(zeros)
				} else {
					var lines strings.Builder
					for n := range 1500 {
						fmt.Fprintf(&lines, "%x:\r\n", n)
					}
					io.WriteString(conn, "POST /v1/predict HTTP/1.1\r\nHost: x\r\n"+lines.String()+"Content-Length: 100\r\n\r\n")
				}
			})
		}
		for range 4 {
			wg.Go(func() { post("image/png", large) })
			wg.Go(func() { post("image/jpeg", scans) })
			wg.Go(func() { post("", zeros) })
		}
		wg.Go(func() { post(w.FormDataContentType(), form.Bytes()) })
		wg.Go(func() {
			if status := post("image/png", tooLarge); status == 200 {
				t.Error("a picture that takes more than there is was answered")
			}
		})
		unblock := time.AfterFunc(20*time.Second, func() { // closes the connections that still wait
			for _, conn := range held {
				conn.Close()
			}
		})
		wg.Wait()
		unblock.Stop()
		for _, conn := range held {
			conn.Close()
		}
		return nil
	}
	grew, known, err := growth(attack)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("grew by %d MB of %d", grew>>20, cfg.Memory>>20)
	if most := cfg.Memory + cfg.Memory/10; known && grew > most {
		t.Errorf("grew by %d bytes, want at most %d", grew, most)
	}
	if status := post("image/png", hostile.PNG(100, 100, 8, 2, false)); status != 200 {
		t.Errorf("afterwards: status %d", status)
	}
	if status := post("image/png", tooLarge); status != 413 { // while others hold memory, 429 is right too
		t.Errorf("a picture that takes more than there is: status %d, want 413", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if held := s.memory.held(); held != 0 {
		t.Errorf("%d bytes are held afterwards", held)
	}
}

// Memory goes back to the system after a time without requests, and no timer is left.
func TestIdle(t *testing.T) {
	rested := make(chan bool, 10)
	i := &idler{after: time.Millisecond, f: func() { rested <- true }}
	i.begin()
	i.begin()
	i.end()
	if i.timer != nil {
		t.Error("a timer runs while something is under way")
	}
	i.end()
	<-rested
	i.begin()
	i.end()
	i.close()
	if i.timer != nil {
		t.Error("a timer runs after close")
	}
}
