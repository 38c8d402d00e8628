package hub_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hymenoptera/hub"
)

// The server first gives the answers of a case, then the file. If the first Fetch fails, the next one must succeed.
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
	unending := func(w http.ResponseWriter, _ *http.Request) { // HTTP/1.0: the end of the connection ends the file
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
		resume   bool // an earlier run was cut after 40,000 bytes
		noHash   bool
		answers  []http.HandlerFunc
		fails    string // the run's error; "" if it gets the file nevertheless
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
			if len(requests) != tt.requests && !(stalls && len(requests) > tt.requests) { // a slow machine may stall more often
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

// A file that changes between two requests arrives whole, in its new version.
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

// Without a strong ETag and a date nothing shows that a file is the same, so Fetch starts over.
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

func TestTimeout(t *testing.T) {
	s := newServer(t, nil)
	s.first(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // it never stalls and never ends
			w.Write([]byte("."))
			http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	f := newFixture(t)
	f.cfg.Timeout, f.cfg.MinRate = 60*time.Millisecond, 1<<40
	if err := f.fetch(t, t.Context(), hub.File{URL: s.URL}, nil); err == nil || !strings.Contains(err.Error(), "not done after 60ms, in which ") {
		t.Errorf("error %v", err)
	}
	if got := s.requests(); len(got) != 1 {
		t.Errorf("%d requests", len(got))
	}
}

// Every byte that arrives gives a download more time.
func TestTimeFitsTheSize(t *testing.T) {
	body := content(17, 100_000)
	s := newServer(t, body)
	f := newFixture(t)
	f.cfg.Timeout, f.cfg.MinRate = 1, 1
	if err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: sum(body)}, body); err != nil {
		t.Error(err)
	}
}

// Fetch refuses a file of known size if the server announces another length, and never writes more than the size.
func TestSize(t *testing.T) {
	body := content(18, 50_000)
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(body); err != nil {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		size   int64
		answer http.HandlerFunc
		fails  string
	}{
		"right":       {size: 50_000},
		"too long":    {size: 49_999, fails: "it has 50000 bytes, but the published file has 49999"},
		"too short":   {size: 50_001, fails: "it has 50000 bytes, but the published file has 50001"},
		"endless":     {size: 50_000, answer: endless, fails: "it has more than 50000 bytes, the limit"},
		"no size":     {answer: endless, fails: "it has more than 200000 bytes, the limit"},
		"over limits": {size: 300_000, answer: endless, fails: "it has more than 300000 bytes, the limit"},
	} {
		s := newServer(t, body)
		if tt.answer != nil {
			s.first(tt.answer)
		}
		f := newFixture(t)
		f.cfg.MaxBytes = 200_000
		err := f.fetch(t, t.Context(), hub.File{URL: s.URL, SHA256: sum(body), Size: tt.size}, body)
		if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: error %v, want %q", name, err, tt.fails)
		}
		if len(s.requests()) != 1 {
			t.Errorf("%s: more than one request", name)
		}
	}
}
