package serve_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	checkpoints "hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/internal/untrained"
	"hymenoptera/serve"
	"hymenoptera/torch"
)

// pictures are files that the tests send.
func pictures(t testing.TB) (all [][]byte) {
	t.Helper()
	names, err := filepath.Glob("../cmd/hymenoptera/testdata/insects/val/*/00*.jpg")
	if err != nil || len(names) == 0 {
		t.Fatal("no pictures", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// checkpoint writes a network's file.
func checkpoint(t testing.TB, seed uint64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "best.safetensors")
	if err := untrained.Write(file, seed, nil); err != nil {
		t.Fatal(err)
	}
	return file
}

// newServer returns a server that is closed at the test's end. It must leave nothing behind.
func newServer(t testing.TB, change func(*serve.Config)) *serve.Server {
	t.Helper()
	return newServerOf(t, checkpoint(t, 1), change)
}

func newServerOf(t testing.TB, file string, change func(*serve.Config)) *serve.Server {
	t.Helper()
	cfg := serve.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	before := torch.Live()
	s, err := serve.New(t.Context(), file, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := torch.Live(); got != before {
			t.Errorf("%d live handles, want %d", got, before)
		}
	})
	return s
}

// post sends a body and returns status and answer.
func post(s http.Handler, contentType string, body io.Reader) (int, serve.Answer, string) {
	r := httptest.NewRequest("POST", "/v1/predict", body)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return read(w.Code, w.Body)
}

func read(status int, body io.Reader) (int, serve.Answer, string) {
	data, err := io.ReadAll(body)
	var a serve.Answer
	var e struct{ Error string }
	if err != nil || json.Unmarshal(data, &a) != nil || json.Unmarshal(data, &e) != nil {
		return status, a, fmt.Sprintf("no JSON: %q (%v)", data, err)
	}
	return status, a, e.Error
}

// form returns files as a form, with its type.
func form(t testing.TB, files ...[]byte) (string, io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i, data := range files {
		part, err := w.CreateFormFile("file", fmt.Sprintf("%d.jpg", i))
		if err != nil {
			t.Fatal(err)
		}
		part.Write(data)
	}
	w.WriteField("note", "is no picture")
	w.Close()
	return w.FormDataContentType(), &b
}

// A picture's answer is the classifier's, to the last bit if it is alone in its batch.
func TestPredictIsTheClassifier(t *testing.T) {
	file := checkpoint(t, 1)
	s := newServerOf(t, file, nil)
	c, err := classify.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	all := pictures(t)
	for i, data := range all {
		want, err := c.Predict(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		status, a, text := post(s, "image/jpeg", bytes.NewReader(data))
		if status != 200 || a.Model != "resnet18" || len(a.Predictions) != 1 {
			t.Fatalf("status %d, %+v, %s", status, a, text)
		}
		p := a.Predictions[0]
		best := want[0].Best()
		if fmt.Sprint(p.Logits) != fmt.Sprint(want[0].Logits) || p.Top[0].Class != c.Classes[best] || p.Top[0].Probability != want[0].Probabilities[best] {
			t.Errorf("picture %d: got %+v, want %+v", i, p, want[0])
		}
	}
	kind, body := form(t, all[0], all[1], all[2])
	status, a, text := post(s, kind, body)
	if status != 200 || len(a.Predictions) != 3 || a.Predictions[2].Name != "2.jpg" {
		t.Fatalf("a form: status %d, %+v, %s", status, a, text)
	}
	want, err := c.Predict(t.Context(), all[2])
	if err != nil || !close(a.Predictions[2].Logits, want[0].Logits) {
		t.Errorf("a form: got %v, want %v (%v)", a.Predictions[2].Logits, want, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// close reports whether logits differ by no more than another batch makes them.
func close(a, b []float32) bool {
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-5 {
			return false
		}
	}
	return len(a) == len(b)
}

// Requests that come together go through the network together, and each gets its own answer.
func TestRequestsShareBatches(t *testing.T) {
	s := newServer(t, func(c *serve.Config) { c.MaxWait = 50 * time.Millisecond })
	all := pictures(t)
	want := make([][]float32, len(all))
	for i, data := range all {
		_, a, _ := post(s, "", bytes.NewReader(data))
		want[i] = a.Predictions[0].Logits
	}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			status, a, text := post(s, "", bytes.NewReader(all[i%len(all)]))
			if status != 200 || !close(a.Predictions[0].Logits, want[i%len(all)]) {
				t.Errorf("request %d: status %d, %+v, %s; want %v", i, status, a, text, want[i%len(all)])
			}
		})
	}
	wg.Wait()
	n, sum := batches(t, s)
	if sum != len(all)+40 || n >= sum {
		t.Errorf("%d pictures in %d batches, want %d in fewer", sum, n, len(all)+40)
	}
}

// batches reads the metrics.
func batches(t *testing.T, s http.Handler) (n, pictures int) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		fmt.Sscanf(line, "hymenoptera_batch_pictures_count %d", &n)
		fmt.Sscanf(line, "hymenoptera_batch_pictures_sum %d", &pictures)
	}
	return n, pictures
}

// When the queue is full, the next request is asked to try again, and the others get their answers.
func TestFullQueue(t *testing.T) {
	s := newServer(t, func(c *serve.Config) { c.Queue, c.MaxWait = 2, 300*time.Millisecond })
	data := pictures(t)[0]
	var wg sync.WaitGroup
	wg.Go(func() {
		kind, body := form(t, data, data)
		if status, _, text := post(s, kind, body); status != 200 {
			t.Errorf("status %d, %s", status, text)
		}
	})
	for waiting(t, s) != "2" {
		time.Sleep(time.Millisecond)
	}
	r := httptest.NewRequest("POST", "/v1/predict", bytes.NewReader(data))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 429 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	wg.Wait()
	if status, _, text := post(s, "", bytes.NewReader(data)); status != 200 {
		t.Errorf("afterwards: status %d, %s", status, text)
	}
}

// The router's own answers have the headers that protect browsers, too.
func TestRedirectsHaveTheHeaders(t *testing.T) {
	w := httptest.NewRecorder()
	newServer(t, nil).ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/v1//predict", nil))
	if w.Code/100 != 3 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("status %d, headers %v, want 301 or 307, and nosniff", w.Code, w.Header())
	}
}

// Pages of the configured origins may read answers, errors too; other pages may not, and answers say so to caches.
func TestCORS(t *testing.T) {
	s := newServer(t, func(c *serve.Config) {
		c.Origins = []string{"https://a.example", "http://localhost:3000"}
		c.Token = "secret"
	})
	for origin, want := range map[string]string{
		"https://a.example": "https://a.example", "http://localhost:3000": "http://localhost:3000",
		"https://b.example": "", "http://a.example": "", "https://a.example:8443": "", "null": "", "": "",
	} {
		r := httptest.NewRequest("GET", "/v1/model", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != want || w.Header().Get("Vary") != "Origin" || w.Code != 401 {
			t.Errorf("%q: status %d, headers %v, want the origin %q allowed", origin, w.Code, w.Header(), want)
		}
		r.Method = "OPTIONS"
		w = httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if ok := w.Code == 204 && strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Authorization"); ok != (want != "") {
			t.Errorf("preflight of %q: status %d, headers %v", origin, w.Code, w.Header())
		}
	}
	w := httptest.NewRecorder()
	newServer(t, nil).ServeHTTP(w, httptest.NewRequest("OPTIONS", "/v1/model", nil))
	if w.Code != 405 || w.Header().Get("Vary") != "" {
		t.Errorf("without origins: status %d, headers %v", w.Code, w.Header())
	}
	for _, origin := range []string{"*", "null", "a.example", "https://a.example/", "https://"} {
		cfg := serve.DefaultConfig()
		cfg.Origins = []string{origin}
		if err := cfg.Validate(); err == nil {
			t.Errorf("the origin %q is accepted", origin)
		}
	}
}

// A file whose network gives no finite numbers is not used; the old network stays.
func TestReloadOfNaN(t *testing.T) {
	file := checkpoint(t, 1)
	s := newServerOf(t, file, nil)
	fresh := filepath.Join(t.TempDir(), "fresh.safetensors")
	err := untrained.Write(fresh, 1, func(sd *checkpoints.StateDict) {
		w, _ := sd.Get("fc.weight")
		for i := range len(w.Data) / 4 {
			binary.LittleEndian.PutUint32(w.Data[4*i:], math.Float32bits(3e38))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, file); err != nil {
		t.Fatal(err)
	}
	var bad *classify.NotFiniteError
	if err := s.Reload(t.Context()); !errors.As(err, &bad) || bad.Path != file {
		t.Errorf("got %v, want a *NotFiniteError of %s", err, file)
	}
	if status, _, text := post(s, "", bytes.NewReader(pictures(t)[0])); status != 200 {
		t.Errorf("afterwards: status %d, %s", status, text)
	}
	if _, err := serve.New(t.Context(), file, serve.DefaultConfig()); !errors.As(err, &bad) {
		t.Errorf("a new server: got %v", err)
	}
}

func waiting(t *testing.T, s http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if rest, ok := strings.CutPrefix(line, "hymenoptera_waiting_pictures "); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatal("no metric of the waiting pictures")
	return ""
}

// A request whose client is gone leaves the queue, and does not count as the server's failure.
func TestClientGone(t *testing.T) {
	s := newServer(t, func(c *serve.Config) { c.MaxWait = 100 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest("POST", "/v1/predict", bytes.NewReader(pictures(t)[0])).WithContext(ctx)
	time.AfterFunc(20*time.Millisecond, cancel)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 499 || waiting(t, s) != "0" {
		t.Errorf("status %d, %s waiting", w.Code, waiting(t, s))
	}
}
