package hub_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hymenoptera/hub"
)

func TestFetchFolder(t *testing.T) {
	s := newServer(t, tutorial(t))
	f := newFixture(t)
	f.path = filepath.Join(t.TempDir(), "data", "hymenoptera_data")
	file := hub.File{URL: s.URL + "/hymenoptera_data.zip"}
	fetch := func() (bool, error) {
		return hub.FetchFolder(t.Context(), f.cfg, file, "hymenoptera_data", f.path+"/")
	}
	s.first(s.cut(100))
	stopped := filepath.Join(filepath.Dir(f.path), ".hymenoptera_data.unpacking-123") // by a process that was killed
	if err := os.MkdirAll(filepath.Join(stopped, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	if fetched, err := fetch(); !fetched || err != nil {
		t.Fatalf("fetched %v, error %v", fetched, err)
	}
	f.alone(t)
	if got := tree(t, f.path); len(got) != 4 || got["train/ants/0013035.jpg"] != "an ant" || got[".downloaded"] != file.URL+"\n" {
		t.Errorf("got %v", got)
	}
	if got := s.requests(); len(got) != 2 || got[1] != "bytes=100-" {
		t.Errorf("requests %q", got)
	}
	if fetched, err := fetch(); fetched || err != nil || len(s.requests()) > 0 {
		t.Errorf("there already: fetched %v, error %v", fetched, err)
	}
	for _, want := range []bool{true, false} {
		if removed, err := hub.RemoveFolder(t.Context(), f.cfg, f.path); removed != want || err != nil {
			t.Errorf("removed %v, error %v, want %v", removed, err, want)
		}
	}
	if entries, _ := os.ReadDir(filepath.Dir(f.path)); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// A process that is killed leaves files. The next run removes them, whether or not the folder is complete by then, and
// downloads nothing twice.
func TestFetchFolderAfterAKill(t *testing.T) {
	zip := tutorial(t)
	s := newServer(t, zip)
	file := hub.File{URL: s.URL + "/hymenoptera_data.zip", SHA256: sum(zip), Size: int64(len(zip))}
	for name, complete := range map[string]bool{"while it unpacked": false, "right before its end": true} {
		f := newFixture(t)
		f.path = filepath.Join(t.TempDir(), "data", "hymenoptera_data")
		fetch := func() (bool, error) {
			return hub.FetchFolder(t.Context(), f.cfg, file, "hymenoptera_data", f.path)
		}
		if complete {
			if _, err := fetch(); err != nil {
				t.Fatal(err)
			}
		}
		source := fmt.Sprintf(`{"url":%q,"validator":"\"1\"","total":%d}`, file.URL, len(zip))
		for ending, data := range map[string]string{".zip.partial": string(zip), ".zip.partial.json": source, ".lock": ""} {
			if err := errors.Join(os.MkdirAll(filepath.Dir(f.path), 0o777), os.WriteFile(f.path+ending, []byte(data), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(filepath.Join(filepath.Dir(f.path), ".hymenoptera_data.unpacking-1", "folder", "train"), 0o777); err != nil {
			t.Fatal(err)
		}
		s.requests()
		if fetched, err := fetch(); err != nil || fetched == complete || len(s.requests()) > 0 {
			t.Errorf("%s: fetched %v, error %v, or a request", name, fetched, err)
		}
		f.alone(t)
		if got := tree(t, f.path); got["train/ants/0013035.jpg"] != "an ant" {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// The same for a single file.
func TestFetchAfterAKill(t *testing.T) {
	body := content(31, 1000)
	f := newFixture(t)
	for ending, data := range map[string]string{"": string(body), ".partial.json": "{}", ".lock": ""} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(f.path), 0o777), os.WriteFile(f.path+ending, []byte(data), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.fetch(t, t.Context(), hub.File{URL: "https://pytorch.example", SHA256: sum(body)}, body); err != nil {
		t.Error(err)
	}
}

// A login page instead of a zip, or a damaged zip, leaves nothing that stops the next run.
func TestFetchFolderOfNoZip(t *testing.T) {
	s := newServer(t, tutorial(t))
	f := newFixture(t)
	s.first(status(200, ""))
	for i, want := range []string{"not a valid zip file", ""} {
		_, err := hub.FetchFolder(t.Context(), f.cfg, hub.File{URL: s.URL}, "hymenoptera_data", f.path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("run %d: error %v, want %q", i, err, want)
		}
		if entries, _ := os.ReadDir(filepath.Dir(f.path)); len(entries) != i {
			t.Errorf("run %d leaves %v", i, entries)
		}
	}
}

// FetchFolder uses a zip that a person put there and keeps it, even if it is damaged.
func TestFetchFolderOfOwnZip(t *testing.T) {
	f := newFixture(t)
	if err := os.MkdirAll(filepath.Dir(f.path), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		zip  []byte
		want string
	}{{[]byte("PK"), "remove it to have it fetched again"}, {tutorial(t), ""}} {
		if err := os.WriteFile(f.path+".zip", tt.zip, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := hub.FetchFolder(t.Context(), f.cfg, hub.File{URL: "https://pytorch.example"}, "hymenoptera_data", f.path)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
		if _, err := os.Stat(f.path + ".zip"); err != nil {
			t.Error(err)
		}
	}
}

func TestFetchFolderTogether(t *testing.T) {
	s := newServer(t, tutorial(t))
	path := newFixture(t).path
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			cfg := hub.DefaultConfig()
			wait := cfg.Sleep
			cfg.Sleep = func(ctx context.Context, d time.Duration) error { return wait(ctx, time.Millisecond) }
			if _, err := hub.FetchFolder(t.Context(), cfg, hub.File{URL: s.URL}, "hymenoptera_data", path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.requests(); len(got) != 1 {
		t.Errorf("%d requests", len(got))
	}
}

func TestRemove(t *testing.T) {
	f := newFixture(t)
	if removed, err := hub.Remove(t.Context(), f.cfg, f.path); removed || err != nil {
		t.Errorf("nothing: removed %v, error %v", removed, err)
	}
	s := newServer(t, content(30, 1000))
	s.first(s.cut(500), status(404, ""))
	f.fetch(t, t.Context(), hub.File{URL: s.URL}, nil)
	if removed, err := hub.Remove(t.Context(), f.cfg, f.path); !removed || err != nil {
		t.Errorf("a beginning: removed %v, error %v", removed, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(f.path)); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
	own := t.TempDir()
	if _, err := hub.RemoveFolder(t.Context(), f.cfg, own); err == nil || !strings.Contains(err.Error(), "remove it by hand") {
		t.Errorf("a folder of somebody else: error %v", err)
	}
}
