package cli

import (
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A slow writer lets others run in the middle of a write.
type slow struct{ strings.Builder }

func (s *slow) Write(p []byte) (int, error) {
	for i := range p {
		if i%1000 == 0 {
			runtime.Gosched()
		}
		s.WriteByte(p[i])
	}
	return len(p), nil
}

// The lines of several goroutines stay in one piece each, in a pipe that is full at times and in any other writer.
func TestWritesOfSeveralGoroutinesStayWhole(t *testing.T) {
	var other slow
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	toOther, toPipe, done := NewOutlets(t.Context(), &other, w)
	defer done()
	piped := make(chan string)
	go func() {
		data, _ := io.ReadAll(r)
		piped <- string(data)
	}()
	var wg sync.WaitGroup
	const goroutines, lines = 4, 20
	for i := range goroutines {
		line := []byte(strings.Repeat(string(rune('a'+i)), 3*page) + "\n")
		wg.Go(func() {
			for range lines {
				toOther.Write(line)
				toPipe.Write(line)
			}
		})
	}
	wg.Wait()
	w.Close()
	for name, got := range map[string]string{"another writer": other.String(), "a pipe": <-piped} {
		whole := 0
		for line := range strings.Lines(got) {
			if line == strings.Repeat(line[:1], 3*page)+"\n" {
				whole++
			}
		}
		if whole != goroutines*lines {
			t.Errorf("%s: %d whole lines, want %d", name, whole, goroutines*lines)
		}
	}
}
