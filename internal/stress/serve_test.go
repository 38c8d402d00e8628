package stress

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/internal/hostile"
)

const (
	honest = "127.0.0.1"
	other  = "127.0.0.2"
)

var (
	program    = flag.String("program", "bin/hymenoptera", "the program to serve with")
	checkpoint = flag.String("checkpoint", "", "best.safetensors of a run")
	folder     = flag.String("pictures", "", "folder of honest pictures")
	memory     = flag.String("memory", "", "the server's --memory; none is passed without it")
	fast       = flag.Bool("fast", false, "the server's --fast")
	seconds    = flag.Duration("time", 10*time.Second, "how long honest clients ask beside an attack")
	long       = flag.Duration("soak", 0, "how long honest clients ask in TestSoak, such as 30m")
)

// arguments returns the server's arguments and the pictures to send. It skips the test unless asked is true.
func arguments(t *testing.T, asked bool) (args []string, pictures [][]byte) {
	if !asked {
		t.Skip("it needs a trained network and takes minutes: make stress-serve CHECKPOINT=FILE")
	}
	for path, err := range dataset.PicturePaths(*folder, nil) {
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, data)
	}
	if len(pictures) == 0 {
		t.Fatalf("no pictures in %q", *folder)
	}
	args = []string{"serve", "-q", "--device", "cpu", "--checkpoint", *checkpoint}
	if *memory != "" {
		args = append(args, "--memory", *memory)
	}
	if *fast {
		args = append(args, "--fast")
	}
	return args, pictures
}

// TestAttacks attacks a server, as hostile clients do, and prints the server's memory next to its limit, and how long honest
// clients waited. It fails if the server does not answer.
//
//	bodies           2,500 connections, each of which sends a megabyte of a larger body and then nothing
//	decode           16 clients with an interlaced 16-bit PNG of 50 megapixels in 389 kB
//	decode at 25 MP  the same with as many pixels as the server takes by default
//	scans            24 clients with a JPEG of 480 scans of 50 megapixels in 146 kB, beside 8 honest ones
//	scans at 25 MP   the same with as many scans and pixels as the server takes by default
//
// Hostile clients come from 127.0.0.2 and honest ones from 127.0.0.1; the last two attacks are repeated with all at one address.
func TestAttacks(t *testing.T) {
	args, pictures := arguments(t, *checkpoint != "" && *long == 0)
	decode := func(side int) func(context.Context, *server) map[string]int {
		return func(ctx context.Context, s *server) map[string]int {
			ctx, cancel := context.WithTimeout(ctx, *seconds)
			defer cancel()
			return s.ask(ctx, other, 16, [][]byte{hostile.PNG(side, side, 16, 6, true)}).statuses
		}
	}
	for _, attack := range []struct {
		name string
		f    func(ctx context.Context, s *server) map[string]int
	}{{"bodies", bodies}, {"decode", decode(7071)}, {"decode at 25 MP", decode(5000)}} {
		s, err := start(*program, args)
		if err != nil {
			t.Fatal(err)
		}
		s.ask(timeout(3*time.Second), honest, 8, pictures) // it has its working memory then
		idle := s.bytes("VmRSS")
		statuses := attack.f(t.Context(), s)
		fmt.Printf("%-16s at rest %d MB, at most %d MB more; answers %v\n", attack.name, idle>>20, (s.bytes("VmHWM")-idle)>>20, statuses)
		time.Sleep(15 * time.Second)
		fmt.Printf("%-16s 15 s later %+d MB\n", "", (s.bytes("VmRSS")-idle)>>20)
		s.end()
	}
	s, err := start(*program, args)
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	alone := s.ask(timeout(*seconds), honest, 8, pictures)
	fmt.Printf("%-16s %v\n", "8 alone", alone)
	for _, attack := range []struct {
		name    string
		picture []byte
	}{{"scans", hostile.JPEG(7071, 7071, 480)}, {"scans at 25 MP", hostile.JPEG(5000, 5000, 20)}} {
		for _, from := range []string{other, honest} {
			ctx, cancel := context.WithCancel(t.Context())
			var statuses map[string]int
			var wg sync.WaitGroup
			wg.Go(func() { statuses = s.ask(ctx, from, 24, [][]byte{attack.picture}).statuses })
			time.Sleep(time.Second)
			beside := s.ask(timeout(*seconds), honest, 8, pictures)
			cancel()
			wg.Wait()
			fmt.Printf("%-16s from %s: %v, p99 %.1f times; the hostile ones' answers %v\n", attack.name, from, beside, beside.p99()/alone.p99(), statuses)
			if beside.statuses["200"] == 0 {
				t.Errorf("%s from %s: no honest client got an answer", attack.name, from)
			}
		}
	}
}

// TestSoak sends requests of honest clients for a long time. Memory, goroutines and descriptors of the server must not grow.
func TestSoak(t *testing.T) {
	args, pictures := arguments(t, *checkpoint != "" && *long > 0)
	s, err := start(*program, args)
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	if err := s.soak(*long, pictures); err != nil {
		t.Error(err)
	}
}

// timeout returns a context that ends by itself.
func timeout(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// A server is a running hymenoptera serve.
type server struct {
	cmd     *exec.Cmd
	address string
}

func start(program string, args []string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{exec.Command(program, append(args, "--addr", l.Addr().String())...), l.Addr().String()}
	l.Close()
	var messages bytes.Buffer
	s.cmd.Stderr = &messages
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if r, err := http.Get("http://" + s.address + "/readyz"); err == nil {
			r.Body.Close()
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.end()
	return nil, fmt.Errorf("%s does not answer: %s", s.cmd, messages.String())
}

func (s *server) end() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// bytes returns a value of the process's status.
func (s *server) bytes(name string) (n int64) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if _, rest, ok := strings.Cut(string(data), name+":"); ok {
		fmt.Sscan(rest, &n)
	}
	return n << 10
}

// bodies holds 2,500 connections for a while.
func bodies(_ context.Context, s *server) map[string]int {
	statuses := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 2500 {
		wg.Go(func() {
			status := hold(s.address)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	wg.Wait()
	return statuses
}

// hold sends a part of a body, and waits for an answer.
func hold(address string) string {
	conn, err := from(other).Dial("tcp", address)
	if err != nil {
		return "not connected"
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 19<<20)
	if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
		return "cut off"
	}
	var b [12]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		if err, ok := err.(net.Error); ok && err.Timeout() {
			return "held"
		}
		return "cut off"
	}
	return string(b[9:])
}

func from(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
}

// An outcome is what clients got.
type outcome struct {
	times    []float64 // seconds, in order
	statuses map[string]int
	took     time.Duration
}

func (o outcome) p99() float64 {
	if len(o.times) == 0 {
		return 0
	}
	return o.times[len(o.times)*99/100]
}

func (o outcome) String() string {
	if len(o.times) == 0 {
		return "no answer"
	}
	return fmt.Sprintf("%.1f requests/s, p50 %.0f ms, p99 %.0f ms, answers %v", float64(len(o.times))/o.took.Seconds(),
		1000*o.times[len(o.times)/2], 1000*o.p99(), o.statuses)
}

// ask posts pictures from the given number of clients at an address until ctx is done.
func (s *server) ask(ctx context.Context, address string, clients int, pictures [][]byte) outcome {
	client := &http.Client{Transport: &http.Transport{DialContext: from(address).DialContext, MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	o := outcome{statuses: map[string]int{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for c := range clients {
		wg.Go(func() {
			for i := c; ctx.Err() == nil; i += clients {
				asked := time.Now()
				status, err := s.post(ctx, client, pictures[i%len(pictures)])
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					status = "no answer"
				}
				mu.Lock()
				o.times = append(o.times, time.Since(asked).Seconds())
				o.statuses[status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	o.took = time.Since(began)
	slices.Sort(o.times)
	return o
}

func (s *server) post(ctx context.Context, client *http.Client, picture []byte) (string, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.address+"/v1/predict", bytes.NewReader(picture))
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.Status[:3], err
}
