package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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

// A connection that breaks anywhere leaves a beginning with which the next run goes on.
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
	t.Logf("100 cuts, %d gone on with", resumed)
}

// Many cuts in one run, each answered by another request for the rest.
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

// What a server may answer first; the file is what it serves after that. Where one run fails, the next must
// not.
func TestBadAnswers(t *testing.T) {
	body := content(6, 100_000)
	whole := func(etag string, b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", etag)
			w.Write(b)
		}
	}
	claim := func(length int, b []byte) http.HandlerFunc { // a wrong Content-Length
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(length))
			w.Write(b[:min(length, len(b))])
		}
	}
	part := func(contentRange string, b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", contentRange)
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(http.StatusPartialContent)
			w.Write(b)
		}
	}
	stall := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(body[:1000])
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	encoded := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(body)
	}
	unending := func(w http.ResponseWriter, _ *http.Request) { // HTTP/1.0: the connection's end is the file's
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		rw.WriteString("HTTP/1.0 200 OK\r\n\r\n")
		rw.Write(body[:5000])
		rw.Flush()
	}
	const cut = 40_000
	for _, tt := range []struct {
		name     string
		resume   bool // a run that was cut after 40,000 bytes comes first
		noHash   bool
		answers  []http.HandlerFunc
		fails    string // the run's error; "" where it gets the file all the same
		requests int    // of the run
	}{
		{name: "404", answers: []http.HandlerFunc{status(404, "")}, fails: "does not have it (404 Not Found)", requests: 1},
		{name: "410", answers: []http.HandlerFunc{status(410, "")}, fails: "does not have it", requests: 1},
		{name: "403", answers: []http.HandlerFunc{status(403, "")}, fails: "403 Forbidden", requests: 1},
		{name: "204", answers: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }}, fails: "204", requests: 1},
		{name: "500", answers: []http.HandlerFunc{status(500, "")}, requests: 2},
		{name: "503 three times", answers: []http.HandlerFunc{status(503, ""), status(502, ""), status(504, "")}, requests: 4},
		{name: "500 for ever", answers: slices.Repeat([]http.HandlerFunc{status(500, "")}, 6), fails: "after 6 requests", requests: 6},
		{name: "501", answers: []http.HandlerFunc{status(501, "")}, fails: "501", requests: 1},
		{name: "429", answers: []http.HandlerFunc{status(429, "7")}, requests: 2},
		{name: "429 with a date", answers: []http.HandlerFunc{status(429, "Fri, 02 Jan 2026 03:04:35 GMT")}, requests: 2},
		{name: "429 for an hour", answers: []http.HandlerFunc{status(429, "3600")}, fails: "asks to come back in 1h0m0s", requests: 1},
		{name: "too short", answers: []http.HandlerFunc{claim(100_000, body[:70_000])}, requests: 2},
		{name: "says less than it has", answers: []http.HandlerFunc{claim(70_000, body)}, fails: "answers with another file", requests: 1},
		{name: "says more than it has", answers: []http.HandlerFunc{claim(200_000, body)}, requests: 2},
		{name: "nothing", answers: []http.HandlerFunc{claim(0, nil)}, fails: "answers with another file", requests: 1},
		{name: "wrong hash", answers: []http.HandlerFunc{whole(`"1"`, content(7, 100_000))}, fails: "answers with another file", requests: 1},
		{name: "a page to log in", answers: []http.HandlerFunc{whole("", []byte("<html>"))}, fails: "answers with another file", requests: 1},
		{name: "stalled", answers: []http.HandlerFunc{stall}, requests: 2},
		{name: "silent", answers: []http.HandlerFunc{func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, requests: 2},
		{name: "encoded", answers: []http.HandlerFunc{encoded}, fails: `encoded with "gzip"`, requests: 1},
		{name: "no length, cut", answers: []http.HandlerFunc{unending}, requests: 2},
		{name: "no length, no hash", noHash: true, answers: []http.HandlerFunc{unending}, fails: "no hash is known", requests: 1},
		{name: "too large", answers: []http.HandlerFunc{whole("", make([]byte, 300_000))}, fails: "the limit", requests: 1},
		{name: "too large, claimed", answers: []http.HandlerFunc{claim(1<<40, body)}, fails: "more than 200000, the limit", requests: 1},
		{name: "part of nothing", answers: []http.HandlerFunc{part("bytes 0-99999/100000", body)}, requests: 2},

		{name: "resume: goes on", resume: true, requests: 1},
		{name: "resume: no Range", resume: true, answers: []http.HandlerFunc{whole(`"1"`, body)}, requests: 1},
		{name: "resume: another part", resume: true, answers: []http.HandlerFunc{part("bytes 30000-99999/100000", body[30_000:])}, requests: 2},
		{name: "resume: another length", resume: true, answers: []http.HandlerFunc{part("bytes 40000-89999/90000", body[40_000:90_000])}, requests: 2},
		{name: "resume: not to the end", resume: true, answers: []http.HandlerFunc{part("bytes 40000-69999/100000", body[40_000:70_000])}, requests: 2},
		{name: "resume: more than it says", resume: true, answers: []http.HandlerFunc{part("bytes 40000-99999/100000", append(body[40_000:len(body):len(body)], 1, 2, 3))}, requests: 2},
		{name: "resume: no Content-Range", resume: true, answers: []http.HandlerFunc{part("", body[40_000:])}, requests: 2},
		{name: "resume: nonsense", resume: true, answers: []http.HandlerFunc{part("bytes 40000-99999999999999999999/*", body[40_000:])}, requests: 2},
		{name: "resume: other bytes, same ETag", resume: true, answers: []http.HandlerFunc{part("bytes 40000-99999/100000", content(8, 60_000))}, requests: 2},
		{name: "resume: 416", resume: true, answers: []http.HandlerFunc{status(416, "")}, requests: 2},
		{name: "resume: 500", resume: true, answers: []http.HandlerFunc{status(500, "")}, requests: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, body)
			f := newFixture(t)
			f.cfg.MaxBytes = 200_000
			stalls := tt.name == "stalled" || tt.name == "silent"
			if stalls {
				f.cfg.Stall = 50 * time.Millisecond
			}
			file := hub.File{URL: s.URL + "/file.pth", SHA256: sum(body)[:8]}
			if tt.noHash {
				file.SHA256 = ""
			}
			if tt.resume {
				f.cfg.Attempts = 1
				s.first(s.cut(cut))
				if err := f.fetch(t, t.Context(), file, body); err == nil {
					t.Fatal("no error though cut")
				}
				f.cfg.Attempts = 6
				s.requests()
			}
			s.first(tt.answers...)
			err := f.fetch(t, t.Context(), file, body)
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
			if err != nil && !strings.Contains(err.Error(), "put it at "+f.path) {
				t.Errorf("error %q does not say what to do", err)
			}
			requests := s.requests()
			if len(requests) != tt.requests && !(stalls && len(requests) > tt.requests) { // a slow machine stalls by itself
				t.Errorf("requests %q, want %d", requests, tt.requests)
			}
			if tt.resume && requests[0] != fmt.Sprintf("bytes=%d-", cut) {
				t.Errorf("first request for %q", requests[0])
			}
			switch tt.name {
			case "429", "429 with a date":
				if want := map[bool]time.Duration{true: 7e9, false: 30e9}[tt.name == "429"]; len(f.naps) != 1 || f.naps[0] != want {
					t.Errorf("waited %v, want %v", f.naps, want)
				}
			}
			if err := f.fetch(t, t.Context(), file, body); err != nil {
				t.Errorf("the next run: %v", err)
			}
		})
	}
}

// A file that changes while it is fetched comes whole, in its new form.
func TestChangedInMidResume(t *testing.T) {
	for _, lastModified := range []bool{false, true} {
		before, after := content(9, 90_000), content(10, 120_000)
		now := before
		changed := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		requests, cut := 0, 30_000
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			if !lastModified {
				w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(now)))
			}
			if cut > 0 {
				w = &cutWriter{w, cut}
			}
			http.ServeContent(w, r, "", map[bool]time.Time{true: changed}[lastModified], strings.NewReader(string(now)))
		}))
		defer s.Close()
		f := newFixture(t)
		f.cfg.Attempts = 1
		if err := f.fetch(t, t.Context(), hub.File{URL: s.URL}, nil); err == nil {
			t.Fatal("no error though cut")
		}
		now, cut, changed = after, 0, changed.Add(time.Hour)
		if err := f.fetch(t, t.Context(), hub.File{URL: s.URL}, after); err != nil {
			t.Fatal(err)
		}
		if requests != 2 || !strings.Contains(f.log.String(), "from the start") {
			t.Errorf("%d requests, log:\n%s", requests, f.log.String())
		}
	}
}

// Without a strong ETag and a date nothing shows that a file is the same: it comes from the start.
func TestNoValidator(t *testing.T) {
	body := content(11, 80_000)
	for _, etag := range []string{"", `W/"1"`} {
		s := newServer(t, body)
		s.etag = etag
		s.first(s.cut(20_000))
		f := newFixture(t)
		if err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: sum(body)[:8]}, body); err != nil {
			t.Fatal(err)
		}
		if got := s.requests(); !reflect.DeepEqual(got, []string{"", ""}) {
			t.Errorf("requests %q", got)
		}
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

func TestTimeout(t *testing.T) {
	s := newServer(t, nil)
	s.first(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // never a stall, never an end
			w.Write([]byte("."))
			http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	f := newFixture(t)
	f.cfg.Timeout = 60 * time.Millisecond
	if err := f.fetch(t, t.Context(), hub.File{URL: s.URL}, nil); err == nil || !strings.Contains(err.Error(), "not done after 60ms") {
		t.Errorf("error %v", err)
	}
	if got := s.requests(); len(got) != 1 {
		t.Errorf("%d requests", len(got))
	}
}

func TestOffline(t *testing.T) {
	s := newServer(t, nil)
	s.Close() // nobody listens
	f := newFixture(t)
	f.cfg.Attempts = 2
	err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: "0123abcd"}, nil)
	if err == nil || !strings.Contains(err.Error(), "fetch it elsewhere and put it at "+f.path) {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(f.path)); len(entries) != 0 {
		t.Errorf("%v left behind", entries)
	}
}

func TestRedirects(t *testing.T) {
	body := content(14, 1000)
	plain := newServer(t, body)
	other := newServer(t, body)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/to-http":
			http.Redirect(w, r, plain.URL+"/file", http.StatusFound)
		case "/to-https":
			http.Redirect(w, r, "/file", http.StatusMovedPermanently)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		default:
			w.Write(body)
		}
	}))
	defer secure.Close()
	secure.Config.ErrorLog = nil
	to := func(url string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) }
	}
	for _, tt := range []struct {
		url     string
		answers []http.HandlerFunc
		fails   string
	}{
		{url: secure.URL + "/to-https"},
		{url: secure.URL + "/to-http", fails: "a redirect leads to " + plain.URL + "/file, which is not https"},
		{url: secure.URL + "/loop", fails: "more than 10 redirects"},
		{url: plain.URL, answers: []http.HandlerFunc{to(secure.URL + "/file")}},
		{url: plain.URL, answers: []http.HandlerFunc{to("/elsewhere")}},
		{url: plain.URL, answers: []http.HandlerFunc{to(other.URL)}, fails: "which is not https"},
		{url: plain.URL, answers: []http.HandlerFunc{to("file:///etc/passwd")}, fails: "which is not https"},
		{url: "http://pytorch.example/file", fails: "begins with https://"},
		{url: "ftp://127.0.0.1/file", fails: "begins with https://"},
		{url: "file:///etc/passwd", fails: "begins with https://"},
		{url: "models/file.pth", fails: "begins with https://"},
	} {
		f := newFixture(t)
		f.cfg.Transport = secure.Client().Transport
		plain.first(tt.answers...)
		err := f.fetch(t, t.Context(), hub.File{URL: tt.url, SHA256: sum(body)[:8]}, body)
		if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: error %v, want %q", tt.url, err, tt.fails)
		}
	}
	if got := other.requests(); len(got) != 0 {
		t.Error("a redirect to http on another host was followed")
	}
}

// Certificates are checked, and one that is wrong is not asked again.
func TestUnknownCertificate(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = discard
	secure.StartTLS()
	defer secure.Close()
	f := newFixture(t)
	err := f.fetch(t, t.Context(), hub.File{URL: secure.URL}, nil)
	if err == nil || !strings.Contains(err.Error(), "certificate") || len(f.naps) != 0 {
		t.Errorf("error %v, waited %v", err, f.naps)
	}
}

// A password in a mirror's address is sent and never shown.
func TestPassword(t *testing.T) {
	body := content(15, 5000)
	s := newServer(t, body)
	var user, password string
	s.first(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		s.cut(1000)(w, r)
	}, status(404, ""))
	file, err := hub.File{URL: "https://download.pytorch.org/models/file-0123abcd.pth", SHA256: "0123abcd"}.
		Mirrored(strings.Replace(s.URL, "http://", "http://me:secret@", 1) + "/pytorch/")
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	err = f.fetch(t, t.Context(), file, nil)
	beside, _ := os.ReadFile(f.path + ".partial.json")
	if user != "me" || password != "secret" || !strings.Contains(err.Error(), "/pytorch/models/file-0123abcd.pth") {
		t.Errorf("user %q, password %q, error %v", user, password, err)
	}
	if strings.Contains(err.Error()+f.log.String()+string(beside), "secret") || len(beside) == 0 {
		t.Errorf("the password is in %q, %q or %q", err, f.log.String(), beside)
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

func TestHashPrefix(t *testing.T) {
	for name, want := range map[string]string{
		"resnet18-f37072fd.pth": "f37072fd", "/a-01234567.b/wide_resnet50_2-95faca4d.pth": "95faca4d",
		"resnet18.pth": "", "hymenoptera_data.zip": "", "a-f370.pth": "", "a-f37072fd": "", "": "",
	} {
		if got := hub.HashPrefix(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestMirrored(t *testing.T) {
	f := hub.File{URL: "https://download.pytorch.org/models/a.pth"}
	for mirror, want := range map[string]string{
		"https://m.example":       "https://m.example/models/a.pth",
		"http://m.example:8080/x": "http://m.example:8080/x/models/a.pth",
		"m.example":               "", "ftp://m.example": "", "https://m.example?x=1": "", "": "", "https://%": "",
	} {
		got, err := f.Mirrored(mirror)
		if got.URL != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, error %v, want %q", mirror, got.URL, err, want)
		}
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	if out := os.Getenv("HUB_TEST_CHILD"); out != "" {
		t.Skip("in a child")
	}
	body := content(16, 1000)
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		w.Write(body)
	}))
	defer proxy.Close()
	f := newFixture(t)
	cmd := child(t, "http://pytorch.example/file.pth", f.path, "HTTP_PROXY="+proxy.URL, "NO_PROXY=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := os.ReadFile(f.path); err != nil || string(got) != string(body) || asked != "http://pytorch.example/file.pth" {
		t.Errorf("the proxy was asked for %q; %d bytes, %v", asked, len(got), err)
	}
}
