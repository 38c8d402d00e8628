package hub_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hymenoptera/hub"
)

var discard = log.New(io.Discard, "", 0)

// TestMain only fetches one file if a test has started this binary as a child.
func TestMain(m *testing.M) {
	if os.Getenv("HUB_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	cfg := hub.DefaultConfig()
	cfg.AllowHTTP = true
	cfg.Log = func(line string) { fmt.Println(line) }
	wait := cfg.Sleep
	cfg.Sleep = func(ctx context.Context, d time.Duration) error { return wait(ctx, min(d, 5*time.Millisecond)) }
	if n, err := strconv.ParseUint(os.Getenv("HUB_TEST_LIMIT"), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ) // so that writing fails, as on a full disk
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			panic(err)
		}
	}
	file := hub.File{URL: os.Getenv("HUB_TEST_URL"), SHA256: os.Getenv("HUB_TEST_SHA256")}
	fetched, err := hub.Fetch(context.Background(), cfg, file, os.Getenv("HUB_TEST_PATH"))
	fmt.Println("fetched", fetched, err)
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// child returns a process that fetches url to path.
func child(t *testing.T, url, path string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), append(env, "HUB_TEST_CHILD=1", "HUB_TEST_URL="+url, "HUB_TEST_PATH="+path)...)
	return cmd
}

// A process that is killed leaves the beginning of the file, and the next one resumes it.
func TestKilled(t *testing.T) {
	body := content(20, 400_000)
	s := newServer(t, body)
	file := hub.File{URL: s.URL, SHA256: sum(body)[:8]}
	f := newFixture(t)
	for _, until := range []int{100_000, 250_000} { // twice, the second time while it resumes
		s.first(func(w http.ResponseWriter, r *http.Request) {
			hang := &hangWriter{w, r.Context(), until - offset(r)}
			s.serve(hang, r)
		})
		cmd := child(t, file.URL, f.path, "HUB_TEST_SHA256="+file.SHA256)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool {
			info, err := os.Stat(f.path + ".partial")
			return err == nil && info.Size() == int64(until)
		})
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		if _, err := os.Stat(f.path); err == nil {
			t.Fatal("a killed process left something under the final name")
		}
	}
	if err := f.fetch(t, t.Context(), file, body); err != nil {
		t.Fatal(err)
	}
	if got, want := s.requests(), []string{"", "bytes=100000-", "bytes=250000-"}; !reflect.DeepEqual(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// If a process is killed after the last byte but before the rename, the next one fetches nothing.
func TestKilledBeforeTheRename(t *testing.T) {
	body := content(21, 1000)
	s := newServer(t, body)
	f := newFixture(t)
	file := hub.File{URL: s.URL, SHA256: sum(body)[:8]}
	s.first(s.cut(999))
	f.cfg.Attempts = 1
	f.fetch(t, t.Context(), file, body)
	s.requests()
	if err := os.WriteFile(f.path+".partial", body, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := f.fetch(t, t.Context(), file, body); err != nil || len(s.requests()) != 0 {
		t.Errorf("error %v, or requests for nothing", err)
	}
}

// After a power cut the partial, or the file beside it, may hold other bytes than were written.
func TestDamagedPartial(t *testing.T) {
	body := content(22, 50_000)
	s := newServer(t, body)
	file := hub.File{URL: s.URL, SHA256: sum(body)[:8]}
	for name, damage := range map[string]func(path string) error{
		"zeros":    func(p string) error { return os.WriteFile(p+".partial", make([]byte, 20_000), 0o666) },
		"too long": func(p string) error { return os.WriteFile(p+".partial", make([]byte, 60_000), 0o666) },
		"empty":    func(p string) error { return os.Truncate(p+".partial", 0) },
		"all zero": func(p string) error { return os.WriteFile(p+".partial", make([]byte, 50_000), 0o666) },
		"gone":     func(p string) error { return os.Remove(p + ".partial") },
		"no json":  func(p string) error { return os.WriteFile(p+".partial.json", []byte("{"), 0o666) },
		"no file":  func(p string) error { return os.Remove(p + ".partial.json") },
	} {
		f := newFixture(t)
		s.first(s.cut(20_000))
		f.cfg.Attempts = 1
		f.fetch(t, t.Context(), file, body)
		if err := damage(f.path); err != nil {
			t.Fatal(err)
		}
		f.cfg.Attempts = 2
		if err := f.fetch(t, t.Context(), file, body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// If writing fails in the middle, here by a limit on the size of files, the run ends; once there is room the next
// one resumes.
func TestDiskFull(t *testing.T) {
	body := content(23, 600_000)
	s := newServer(t, body)
	f := newFixture(t)
	out, err := child(t, s.URL, f.path, "HUB_TEST_SHA256="+sum(body)[:8], "HUB_TEST_LIMIT=300000").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "make room and run this again") {
		t.Fatalf("error %v, output:\n%s", err, out)
	}
	if _, err := os.Stat(f.path); err == nil {
		t.Fatal("something is under the final name")
	}
	if err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: sum(body)[:8]}, body); err != nil {
		t.Fatal(err)
	}
	if got, want := s.requests(), []string{"", "bytes=300000-"}; !reflect.DeepEqual(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// If two processes want the same file, one fetches it and the other waits for it.
func TestTwoProcesses(t *testing.T) {
	body := content(24, 100_000)
	s := newServer(t, body)
	begun, release := make(chan struct{}), make(chan struct{})
	s.first(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-release
		s.serve(w, r)
	})
	f := newFixture(t)
	start := func() (*exec.Cmd, *bufio.Scanner) {
		cmd := child(t, s.URL, f.path, "HUB_TEST_SHA256="+sum(body)[:8])
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, bufio.NewScanner(out)
	}
	one, oneOut := start()
	<-begun
	two, twoOut := start()
	if !twoOut.Scan() || !strings.HasPrefix(twoOut.Text(), "another process is fetching") {
		t.Errorf("the second says %q", twoOut.Text())
	}
	// A third one whose context is cancelled stops waiting.
	ctx, cancel := context.WithCancel(t.Context())
	g := newFixture(t)
	g.cfg.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	if _, err := hub.Fetch(ctx, g.cfg, hub.File{URL: s.URL}, f.path); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("cancelled while waiting: %v", err)
	}
	close(release)
	last := func(cmd *exec.Cmd, out *bufio.Scanner) (line string) {
		for out.Scan() {
			line = out.Text()
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		return line
	}
	if a, b := last(one, oneOut), last(two, twoOut); a != "fetched true <nil>" || b != "fetched false <nil>" {
		t.Errorf("the first ends with %q, the second with %q", a, b)
	}
	if got := s.requests(); len(got) != 1 {
		t.Errorf("%d requests, want 1", len(got))
	}
	f.alone(t)
}

// The same with many goroutines of one process.
func TestManyGoroutines(t *testing.T) {
	body := content(25, 50_000)
	s := newServer(t, body)
	path := newFixture(t).path
	var wg sync.WaitGroup
	var mu sync.Mutex
	fetched := 0
	for range 8 {
		wg.Go(func() {
			cfg := hub.DefaultConfig()
			wait := cfg.Sleep
			cfg.Sleep = func(ctx context.Context, d time.Duration) error { return wait(ctx, time.Millisecond) }
			did, err := hub.Fetch(t.Context(), cfg, hub.File{URL: s.URL, SHA256: sum(body)[:8]}, path)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if did {
				fetched++
			}
		})
	}
	wg.Wait()
	if got := s.requests(); len(got) != 1 || fetched != 1 {
		t.Errorf("%d requests, %d fetched", len(got), fetched)
	}
}

// A hangWriter writes n bytes and then waits for ctx to end.
type hangWriter struct {
	http.ResponseWriter
	ctx  context.Context
	left int
}

func (h *hangWriter) Write(b []byte) (int, error) {
	n := min(len(b), h.left)
	h.left -= n
	h.ResponseWriter.Write(b[:n])
	if h.left == 0 {
		http.NewResponseController(h.ResponseWriter).Flush()
		<-h.ctx.Done()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// offset returns where the range of a request begins.
func offset(r *http.Request) int {
	var n int
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &n)
	return n
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for 20 s")
		}
	}
}
