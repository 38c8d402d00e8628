package shards

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"hymenoptera/dataset"
	"hymenoptera/hub"
	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A server serves a folder. Its answers to the first requests for each shard are faulty.
type server struct {
	dir string
	// faults of the first answers: "503", "cut" after half of the file, "stall" after half of it, "wrong" content.
	faults []string

	mu    sync.Mutex
	asked map[string]int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := s.asked[r.URL.Path]
	s.asked[r.URL.Path]++
	s.mu.Unlock()
	data, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(r.URL.Path)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	fault := ""
	if n < len(s.faults) && strings.HasSuffix(r.URL.Path, ".tar") {
		fault = s.faults[n]
	}
	if fault == "503" {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	if fault == "wrong" {
		data = slices.Clone(data)
		data[700] ^= 1
	}
	if fault == "cut" || fault == "stall" {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
		if fault == "stall" {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		}
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Unix(1, 0), strings.NewReader(string(data)))
}

// batches returns the batches of a loader in two epochs of a set.
func batches(t *testing.T, set *dataset.ImageFolder) (out []float32, indices []int, err error) {
	t.Helper()
	loader, err := dataset.NewLoader(set, transforms.Train(8), dataset.LoaderConfig{BatchSize: 3, Shuffle: true, Workers: 2, Share: dataset.Share{Seed: 1}})
	if err != nil {
		return nil, nil, err
	}
	rng := mt19937.New(3)
	for epoch := range 2 {
		loader.SetEpoch(epoch)
		e := loader.Epoch(t.Context(), rng)
		for {
			b, err := e.Next(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				e.Close()
				return nil, nil, err
			}
			out, indices = append(out, b.Images...), append(indices, b.Indices...)
			b.Release()
		}
		e.Close()
	}
	return out, indices, nil
}

// set packs a set of ten pictures, one per shard.
func set(t *testing.T) (dir string) {
	t.Helper()
	root := t.TempDir()
	for i := range 20 {
		path := filepath.Join(root, []string{"train", "val"}[i/10], "ab"[i%2:i%2+1], string(rune('0'+i%10))+".ppm")
		picture := "P6 2 1 255\n" + strings.Repeat(string([]byte{byte(10 * i), 1, 2}), 2)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(picture), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	train, val, err := dataset.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(root, "packed")
	if _, err := Pack(t.Context(), dir, train, val, PackOptions{Bytes: 1, Progress: func(int, int) {}}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func config() hub.Config {
	cfg := hub.DefaultConfig()
	cfg.Log = func(string) {}
	cfg.Attempts, cfg.Stall, cfg.Backoff = 4, 200*time.Millisecond, time.Millisecond
	return cfg
}

// Shards from a server that is busy, breaks off, stalls or sends wrong content give the same batches as shards in a folder.
func TestFaultyServer(t *testing.T) {
	dir := set(t)
	local, _, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want, order, err := batches(t, local)
	if err != nil {
		t.Fatal(err)
	}
	for _, faults := range [][]string{nil, {"503", "503"}, {"cut", "503"}, {"stall"}, {"stall", "cut", "503"}} {
		s := &server{dir: dir, faults: faults, asked: map[string]int{}}
		published := httptest.NewServer(s)
		cache := t.TempDir()
		train, _, err := Fetch(t.Context(), config(), published.URL+"/sets/packed/", cache)
		if err != nil {
			t.Fatal(err)
		}
		got, indices, err := batches(t, train)
		if err != nil || !slices.Equal(got, want) || !slices.Equal(indices, order) {
			t.Errorf("%q: error %v, batches equal: %v, order equal: %v", faults, err, slices.Equal(got, want), slices.Equal(indices, order))
		}
		if n := s.asked["/sets/packed/train-000003.tar"]; n != len(faults)+1 {
			t.Errorf("%q: %d requests for a shard, want %d", faults, n, len(faults)+1)
		}
		if s.asked["/sets/packed/val-000000.tar"] != 0 {
			t.Errorf("%q: asked for %v, and no validation image was needed", faults, s.asked)
		}
		published.Close()
	}
}

// Several processes can share a folder for the shards of a set.
func TestSharedFolder(t *testing.T) {
	published := httptest.NewServer(&server{dir: set(t), asked: map[string]int{}})
	defer published.Close()
	cache := t.TempDir()
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			train, _, err := Fetch(t.Context(), config(), published.URL, cache)
			if err == nil {
				_, _, err = batches(t, train)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "index-*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, error %v", left, err)
	}
}

// A set that was packed again under the same names replaces the shards in the folder.
func TestSetChanges(t *testing.T) {
	s, cache := &server{dir: set(t), asked: map[string]int{}}, t.TempDir()
	published := httptest.NewServer(s)
	defer published.Close()
	read := func() (all string) {
		train, _, err := Fetch(t.Context(), config(), published.URL, cache)
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range train.Samples {
			data, err := sample.Read(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			all += string(data)
		}
		return all
	}
	before := read()
	train, val, err := Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	s.dir = filepath.Join(t.TempDir(), "packed")
	if _, err := Pack(t.Context(), s.dir, train, val, PackOptions{Bytes: 1, Seed: 7, Progress: func(int, int) {}}); err != nil {
		t.Fatal(err)
	}
	after := read()
	if train, _, err = Open(t.Context(), s.dir); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, sample := range train.Samples {
		data, _ := sample.Read(t.Context(), nil)
		want += string(data)
	}
	if after != want || after == before {
		t.Errorf("got %q after %q, want %q", after, before, want)
	}
}

// If a server never sends a shard, the epoch ends with an error that names it. A missing index is an error at once.
func TestServerFails(t *testing.T) {
	s := &server{dir: set(t), faults: slices.Repeat([]string{"503"}, 1000), asked: map[string]int{}}
	published := httptest.NewServer(s)
	defer published.Close()
	train, _, err := Fetch(t.Context(), config(), published.URL, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = batches(t, train); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "train-0000") {
		t.Errorf("got error %v", err)
	}
	var fetch *dataset.FetchError
	if _, err := train.Broken(t.Context(), 2); !errors.As(err, &fetch) {
		t.Errorf("a search for broken pictures: got error %v", err) // not ten broken pictures
	}
	s.faults = []string{"wrong"}
	if train, _, err = Fetch(t.Context(), config(), published.URL, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	s.asked = map[string]int{}
	if _, _, err := batches(t, train); !errors.As(err, &fetch) || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("other content: got error %v", err)
	}
	if _, _, err := Fetch(t.Context(), config(), "http://example.org/packed", t.TempDir()); err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("an address without TLS: got error %v", err)
	}
	cache := t.TempDir()
	if _, _, err := Fetch(t.Context(), config(), published.URL, cache); err != nil {
		t.Fatal(err)
	}
	s.dir = t.TempDir()
	if train, _, err := Fetch(t.Context(), config(), published.URL, cache); err != nil || len(train.Samples) != 10 {
		t.Errorf("the index that came before: got error %v", err)
	}
	s.dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(s.dir, IndexFile), []byte("<html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Fetch(t.Context(), config(), published.URL, t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), published.URL+"/"+IndexFile+": shards: line 1: ") {
		t.Errorf("a page instead of an index: got error %v", err)
	}
	s.dir = t.TempDir()
	empty := t.TempDir()
	if _, _, err := Fetch(t.Context(), config(), published.URL, empty); err == nil || !strings.Contains(err.Error(), "put it at "+filepath.Join(empty, IndexFile)) {
		t.Errorf("no index: got error %v", err)
	}
}

// A folder with room for three shards holds no more, and gives the same batches.
func TestFewShardsAreKept(t *testing.T) {
	dir := set(t)
	local, _, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := batches(t, local)
	if err != nil {
		t.Fatal(err)
	}
	published := httptest.NewServer(&server{dir: dir, asked: map[string]int{}})
	defer published.Close()
	cache := t.TempDir()
	r := &remote{dir: cache, cfg: config()}
	train, _, err := r.fetch(t.Context(), published.URL, func() (int64, error) { return 3 * 3072, nil })
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := batches(t, train)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("error %v, batches equal: %v", err, slices.Equal(got, want))
	}
	files, bytes, err := r.kept()
	if err != nil || len(files) > 3 || bytes > r.most {
		t.Errorf("kept %d shards of %d bytes, error %v", len(files), bytes, err)
	}
}

// An address has the same folder below the cache with and without a slash at its end.
func TestCacheDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/cache")
	for _, tt := range []struct{ address, same, want string }{
		{"https://example.org/a/packed", "HTTPS://example.org/a/packed/", "/cache/hymenoptera/shards/packed-"},
		{"https://example.org:8000", "https://example.org:8000/", "/cache/hymenoptera/shards/example.org:8000-"},
	} {
		got, err := CacheDir(tt.address)
		same, again := CacheDir(tt.same)
		if err != nil || again != nil || got != same || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q and %q, errors %v and %v, want %s…", tt.address, got, same, err, again, tt.want)
		}
	}
}
