package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hymenoptera/transforms"
)

//go:embed openapi.json page.html page.css page.js
var files embed.FS

// routes returns the handler of all requests.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	for _, r := range []struct {
		method, path string
		handle       func(http.ResponseWriter, *http.Request) error
		private      bool // needs the token
	}{
		{"POST", "/v1/predict", s.predict, true},
		{"GET", "/v1/model", s.card, true},
		{"GET", "/metrics", func(w http.ResponseWriter, r *http.Request) error { metrics.ServeHTTP(w, r); return nil }, true},
		{"GET", "/healthz", s.health, false},
		{"GET", "/readyz", s.ready, false},
		{"GET", "/openapi.json", file("openapi.json"), false},
		{"GET", "/{$}", file("page.html"), false},
		{"GET", "/page.css", file("page.css"), false},
		{"GET", "/page.js", file("page.js"), false},
	} {
		mux.Handle(r.method+" "+r.path, s.answer(r.path, r.handle, r.private))
		mux.Handle(r.path, s.answer(r.path, func(w http.ResponseWriter, req *http.Request) error {
			if s.preflight(w, req) {
				return nil
			}
			w.Header().Set("Allow", r.method)
			return fail(http.StatusMethodNotAllowed, "%s takes %s", req.URL.Path, r.method)
		}, false))
	}
	mux.Handle("/", s.answer("other", func(_ http.ResponseWriter, r *http.Request) error {
		return fail(http.StatusNotFound, "there is no %s; /openapi.json describes what there is", r.URL.Path)
	}, false))
	return mux
}

// answer passes a request to a handler, answers with the handler's error if there is one, and logs and counts the request.
// It refuses pictures that a browser posts for another site's page.
func (s *Server) answer(path string, handle func(http.ResponseWriter, *http.Request) error, private bool) http.Handler {
	foreign := http.NewCrossOriginProtection()
	for _, origin := range s.cfg.Origins {
		foreign.AddTrustedOrigin(origin) // valid, as Validate said
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		err := foreign.Check(r)
		switch {
		case err != nil:
			err = foreigner(r)
		case private && !s.admitted(r):
			rec.Header().Set("WWW-Authenticate", "Bearer")
			err = fail(http.StatusUnauthorized, "want the header Authorization: Bearer TOKEN")
		default:
			err = handle(rec, r)
		}
		if err != nil {
			if f := (*failure)(nil); errors.As(err, &f) && f.status == http.StatusRequestEntityTooLarge {
				s.pace.wait(r.Context(), clientOf(r.RemoteAddr))
			}
			s.refuse(rec, err)
		}
		took := time.Since(began)
		s.metrics.request(path, rec.status, took)
		level := slog.LevelInfo
		if rec.status >= 500 {
			level = slog.LevelWarn
		}
		s.cfg.Log.Log(r.Context(), level, "request", "remote", r.RemoteAddr, "method", r.Method, "path", r.URL.Path,
			"status", rec.status, "bytes", rec.bytes, "ms", float64(took.Microseconds())/1000)
	})
}

// foreigner returns the answer for a refused request of a page. It says what to do if the page is this server's own: behind
// a proxy that sends its own name, it looks like another site's.
func foreigner(r *http.Request) error {
	const most = 100 // characters of text that the client chose
	origin := r.Header.Get("Origin")
	return fail(http.StatusForbidden, "a page of another site may not ask this server: the page's origin is %.*q, the request's Host is %.*q; "+
		"behind a proxy have it pass on the Host (nginx: proxy_set_header Host $http_host), or start the server with --cors and the origin",
		most, origin, most, r.Host)
}

// allowOrigin lets the pages of the configured origins read the answer.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	if len(s.cfg.Origins) == 0 {
		return
	}
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); slices.Contains(s.cfg.Origins, origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate")
	}
}

// preflight answers a browser that asks whether a page of another site may send a request.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || w.Header().Get("Access-Control-Allow-Origin") == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// refuse writes an error as the answer.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	var f *failure
	if !errors.As(err, &f) {
		s.cfg.Log.Error("a request failed", "error", err)
		f = &failure{http.StatusInternalServerError, "the server failed; its log says why"}
	}
	if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	reply(w, f.status, map[string]string{"error": f.text})
}

// admitted reports whether a request has the token.
func (s *Server) admitted(r *http.Request) bool {
	if s.cfg.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.cfg.Token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// headers restrict what browsers do with an answer.
func headers(h http.Header, encrypted bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if encrypted {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// A recorder records the status and size of an answer, for the log.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// file answers with a file of this package.
func file(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		http.ServeFileFS(w, r, files, name)
		return nil
	}
}

// A Model is the answer of GET /v1/model.
type Model struct {
	Model         string               `json:"model"`
	Classes       []string             `json:"classes"`
	Preprocessing transforms.Transform `json:"preprocessing"`
	Epoch         int                  `json:"epoch"`
	Accuracy      float64              `json:"accuracy"` // of its validation phase in training
	Loss          float64              `json:"loss"`
	Version       string               `json:"version"`   // of the program that trained it
	Threshold     float64              `json:"threshold"` // answers below it are unsure; 0 if there is none
}

func (s *Server) card(w http.ResponseWriter, _ *http.Request) error {
	m := s.acquire()
	defer m.users.Done()
	return reply(w, http.StatusOK, Model{m.Model, m.Classes, m.Preprocessing, m.Epoch, m.Accuracy, m.Loss, m.Version, m.Cut.Threshold})
}

// health answers that the process is alive.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers whether the server accepts new requests.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	if s.closing.Load() {
		return fail(http.StatusServiceUnavailable, "the server is ending")
	}
	return reply(w, http.StatusOK, map[string]string{"status": "ready"})
}
