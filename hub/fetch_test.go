package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hymenoptera/hub"
)

func TestFetch(t *testing.T) {
	body := content(1, 1<<20)
	s := newServer(t, body)
	f := newFixture(t)
	var done, total []int64
	f.cfg.Progress = func(d, n int64) { done, total = append(done, d), append(total, n) }
	file := hub.File{URL: s.URL + "/file.pth", SHA256: sum(body)[:8]}
	if err := f.fetch(t, t.Context(), file, body); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(done) || done[len(done)-1] != 1<<20 || total[0] != 1<<20 {
		t.Errorf("progress ends at %d of %d", done[len(done)-1], total[0])
	}
	if want := fmt.Sprintf("Downloading: %q to %s\n", file.URL, f.path); f.log.String() != want {
		t.Errorf("log %q, want torch.hub's %q", f.log.String(), want)
	}
	s.requests()
	if err := f.fetch(t, t.Context(), file, body); err != nil || len(s.requests()) != 0 {
		t.Errorf("the file was there and yet requested, error %v", err)
	}
}

// A connection that breaks anywhere leaves the beginning of the file, which the next run completes.
func TestCutAnywhere(t *testing.T) {
	body := content(2, 300_000)
	s := newServer(t, body)
	file := hub.File{URL: s.URL + "/file.pth", SHA256: sum(body)[:8]}
	rng := rand.New(rand.NewPCG(3, 4))
	resumed := 0
	for i := range 100 {
		n := rng.IntN(len(body))
		f := newFixture(t)
		f.cfg.Attempts = 1
		s.first(s.cut(n))
		if err := f.fetch(t, t.Context(), file, body); err == nil {
			t.Fatalf("cut after %d bytes: no error", n)
		}
		s.requests()
		if err := f.fetch(t, t.Context(), file, body); err != nil {
			t.Fatalf("cut after %d bytes, then whole: %v", n, err)
		}
		got := s.requests()
		if len(got) != 1 || got[0] != fmt.Sprintf("bytes=%d-", n) && n > 0 {
			t.Errorf("%d: cut after %d bytes, then requests %q", i, n, got)
		}
		if len(got) == 1 && got[0] != "" {
			resumed++
		}
	}
	t.Logf("100 cuts, %d resumed", resumed)
}

// A connection that breaks many times in one run: each time another request asks for the rest.
func TestCutAgainAndAgain(t *testing.T) {
	body := content(5, 200_000)
	s := newServer(t, body)
	s.first(s.cut(50_000), s.cut(0), s.cut(60_000), s.cut(1))
	f := newFixture(t)
	if err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: sum(body)}, body); err != nil {
		t.Fatal(err)
	}
	if got, want := s.requests(), []string{"", "bytes=50000-", "bytes=50000-", "bytes=110000-", "bytes=110001-"}; !reflect.DeepEqual(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	if want := []time.Duration{1e9, 2e9, 4e9, 8e9}; !reflect.DeepEqual(f.naps, want) {
		t.Errorf("waited %v, want %v", f.naps, want)
	}
}

func TestBadFileUnderTheFinalNameIsReplaced(t *testing.T) {
	body := content(12, 1000)
	s := newServer(t, body)
	f := newFixture(t)
	if err := errors.Join(os.MkdirAll(filepath.Dir(f.path), 0o777), os.WriteFile(f.path, []byte("cut short"), 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: sum(body)[:8]}, body); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(f.log.String(), "not the published file") {
		t.Errorf("log %q", f.log.String())
	}
}

func TestCancel(t *testing.T) {
	body := content(13, 500_000)
	s := newServer(t, body)
	reason := errors.New("Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.first(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", "500000")
		w.Write(body[:200_000])
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	f := newFixture(t)
	f.cfg.Progress = func(done, _ int64) {
		if done == 200_000 {
			cancel(reason)
		}
	}
	file := hub.File{URL: s.URL, SHA256: sum(body)[:8]}
	if err := f.fetch(t, ctx, file, body); !errors.Is(err, reason) {
		t.Fatalf("error %v, want the context's cause", err)
	}
	if !strings.Contains(f.log.String(), "195.3 kB stay in "+f.path+".partial") {
		t.Errorf("log %q does not say what stays", f.log.String())
	}
	s.requests()
	if err := f.fetch(t, t.Context(), file, body); err != nil {
		t.Fatal(err)
	}
	if got := s.requests(); !reflect.DeepEqual(got, []string{"bytes=200000-"}) {
		t.Errorf("requests %q", got)
	}
}

func TestUnwritableFolder(t *testing.T) {
	f := newFixture(t)
	f.path = "/dev/null/file.pth"
	if _, err := hub.Fetch(t.Context(), f.cfg, hub.File{URL: "https://pytorch.example/file.pth"}, f.path); err == nil {
		t.Error("no error")
	}
	f.path = t.TempDir()
	if _, err := hub.Fetch(t.Context(), f.cfg, hub.File{URL: "https://pytorch.example/file.pth"}, f.path); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("error %v", err)
	}
	if _, err := hub.Fetch(t.Context(), hub.Config{}, hub.File{}, f.path); err == nil {
		t.Error("an empty Config is taken")
	}
	if _, err := hub.Fetch(t.Context(), f.cfg, hub.File{URL: "https://a.example", SHA256: "F37072FD"}, f.path); err == nil {
		t.Error("a hash in upper case is taken")
	}
}

func TestCheckpointDir(t *testing.T) {
	for _, tt := range []struct{ torch, xdg, home, want string }{
		{"/t", "/x", "/h", "/t/hub/checkpoints"},
		{"~/t", "/x", "/h", "/h/t/hub/checkpoints"},
		{"", "/x", "/h", "/x/torch/hub/checkpoints"},
		{"", "~/x", "/h", "/h/x/torch/hub/checkpoints"},
		{"", "", "/h", "/h/.cache/torch/hub/checkpoints"},
		{"", "", "", ""},
		{"/t", "", "", "/t/hub/checkpoints"},
	} {
		env := map[string]string{"TORCH_HOME": tt.torch, "XDG_CACHE_HOME": tt.xdg, "HOME": tt.home}
		got, err := hub.CheckpointDir(func(k string) string { return env[k] })
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%+v: got %q, error %v", tt, got, err)
		}
	}
}
