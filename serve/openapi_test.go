package serve_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"hymenoptera/internal/hostile"
	"hymenoptera/serve"
)

// broken is a body that ends before its length.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// late is a body that comes too late.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// curlD returns what curl -d sends of a file.
func curlD(data []byte) []byte {
	return slices.DeleteFunc(bytes.Clone(data), func(b byte) bool { return b == 0 || b == '\r' || b == '\n' })
}

// openapi.json describes every answer, and each answer that it describes occurs.
func TestOpenAPI(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/css", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/javascript", openapi3filter.FileBodyDecoder)

	data := pictures(t)[0]
	small := newServer(t, func(c *serve.Config) {
		c.MaxBody, c.MaxPixels, c.MaxPictures, c.Queue = int64(len(data)+1000), 200*200, 2, 3
	})
	closing, err := serve.New(t.Context(), checkpoint(t, 1), serve.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := closing.Close(); err != nil {
		t.Fatal(err)
	}
	plain := newServer(t, nil)
	locked := newServer(t, func(c *serve.Config) { c.Token = "secret" })
	slow := newServer(t, func(c *serve.Config) { c.Timeout = time.Nanosecond })
	closed := newServer(t, nil)
	closed.CloseNetwork()
	shared := newServer(t, func(c *serve.Config) { c.Origins = []string{"https://example.org"} })
	tight := newServer(t, func(c *serve.Config) { c.Memory = 128 << 20 })
	busy := newServer(t, func(c *serve.Config) { c.Queue, c.MaxWait, c.Timeout = 1, time.Minute, time.Minute })
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave) // before the server is closed, which waits for the request
	go busy.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/predict", bytes.NewReader(data)).WithContext(ctx))
	for waiting(t, busy) != "1" {
		time.Sleep(time.Millisecond)
	}
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	seen := map[string]bool{}
	for _, tt := range []struct {
		name         string
		server       http.Handler
		method, path string
		header       http.Header
		body         io.Reader
		status       int
		text         string // a part of the answer
	}{
		{"a picture", plain, "POST", "/v1/predict", nil, bytes.NewReader(data), 200, `"logits":[`},
		{"the best class", plain, "POST", "/v1/predict?top=1", nil, bytes.NewReader(data), 200, `"top":[{"class":`},
		{"more classes than there are", plain, "POST", "/v1/predict?top=9", nil, bytes.NewReader(data), 200, `"top":[{"class":`},
		{"another site's page", plain, "POST", "/v1/predict", http.Header{"Sec-Fetch-Site": {"cross-site"}}, bytes.NewReader(data), 403, "another site"},
		{"a page behind a proxy", plain, "POST", "/v1/predict", http.Header{"Origin": {"http://bees.example"}}, bytes.NewReader(data), 403, `nginx: proxy_set_header Host $http_host`},
		{"a shared page", shared, "POST", "/v1/predict", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://example.org"}}, bytes.NewReader(data), 200, "logits"},
		{"a page that is not shared", shared, "POST", "/v1/predict", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://example.com"}}, bytes.NewReader(data), 403, "another site"},
		{"a browser asks for a shared page", shared, "OPTIONS", "/v1/predict", http.Header{"Origin": {"https://example.org"}, "Access-Control-Request-Method": {"POST"}}, nil, 204, ""},
		{"a browser asks for the model", shared, "OPTIONS", "/v1/model", http.Header{"Origin": {"https://example.org"}, "Access-Control-Request-Method": {"GET"}}, nil, 204, ""},
		{"JSON", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"application/json"}}, strings.NewReader(`{"image":"/9j/4AAQ"}`), 422, "it is JSON: send the bytes of the file, as curl --data-binary @garden.jpg does"},
		{"base64", plain, "POST", "/v1/predict", nil, strings.NewReader(base64.StdEncoding.EncodeToString(data)), 422, "it is base64: send the bytes"},
		{"a data URL", plain, "POST", "/v1/predict", nil, strings.NewReader("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data)), 422, "it is base64: send the bytes"},
		{"a name of a file", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader("garden.jpg"), 422, "mind the @"},
		{"curl -d @file", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, bytes.NewReader(curlD(data)), 422, "use curl --data-binary @garden.jpg"},
		{"curl --data-binary @file", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, bytes.NewReader(data), 200, "logits"},
		{"a form with a field", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, strings.NewReader("--x\r\nContent-Disposition: form-data; name=file\r\n\r\ngarden.jpg\r\n--x--\r\n"), 400, "curl -F file=@garden.jpg"},
		{"a client that leaves", plain, "POST", "/v1/predict", nil, broken{}, 499, "left"},
		{"many scans", small, "POST", "/v1/predict", nil, bytes.NewReader(hostile.JPEG(200, 200, 25)), 413, "more than 20 scans of 200×200 pixels"},
		{"a picture that takes much", tight, "POST", "/v1/predict", nil, bytes.NewReader(hostile.PNG(4900, 4900, 16, 6, true)), 413, "to decode the picture takes"},
		{"a body that takes much", tight, "POST", "/v1/predict", nil, bytes.NewReader(make([]byte, 20<<20)), 413, "more than the"},
		{"top 0", plain, "POST", "/v1/predict?top=0", nil, bytes.NewReader(data), 400, "want a whole number of at least 1"},
		{"top x", plain, "POST", "/v1/predict?top=x", nil, bytes.NewReader(data), 400, "want a whole number"},
		{"nothing", plain, "POST", "/v1/predict", nil, strings.NewReader(""), 400, "the body is empty"},
		{"an empty form", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, strings.NewReader("--x--\r\n"), 400, "the form has no file"},
		{"half a form", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, strings.NewReader("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nhello"), 400, "the body cannot be read"},
		{"a form without boundary", plain, "POST", "/v1/predict", http.Header{"Content-Type": {"multipart/form-data"}}, strings.NewReader("x"), 400, "the body cannot be read"},
		{"a late body", plain, "POST", "/v1/predict", nil, late{}, 408, "the body did not come within 30s"},
		{"no picture", plain, "POST", "/v1/predict", nil, strings.NewReader("hello"), 422, "not an image of a known format"},
		{"half a picture", plain, "POST", "/v1/predict", nil, bytes.NewReader(data[:len(data)/2]), 422, "truncated"},
		{"many bytes", small, "POST", "/v1/predict", nil, bytes.NewReader(make([]byte, len(data)+1001)), 413, "more than"},
		{"many pixels", small, "POST", "/v1/predict", nil, strings.NewReader("P6 1000 1000 255\n"), 413, "1000×1000 pixels: want 1 to 40000"},
		{"a decompression bomb", plain, "POST", "/v1/predict", nil, strings.NewReader("P6 30000 30000 255\n"), 413, "may be a decompression bomb"},
		{"a closed network", closed, "POST", "/v1/predict", nil, bytes.NewReader(data), 500, "its log says why"},
		{"a full queue", busy, "POST", "/v1/predict", nil, bytes.NewReader(data), 429, "try again"},
		{"too slow", slow, "POST", "/v1/predict", nil, bytes.NewReader(data), 503, "no answer within 1ns"},
		{"no token", locked, "POST", "/v1/predict", nil, bytes.NewReader(data), 401, "Bearer TOKEN"},
		{"another token", locked, "POST", "/v1/predict", bearer("secre"), bytes.NewReader(data), 401, "Bearer TOKEN"},
		{"the token", locked, "POST", "/v1/predict", bearer("secret"), bytes.NewReader(data), 200, "logits"},
		{"the model", plain, "GET", "/v1/model", nil, nil, 200, `"classes":["ants","bees"]`},
		{"the model without token", locked, "GET", "/v1/model", nil, nil, 401, "Bearer TOKEN"},
		{"the metrics", plain, "GET", "/metrics", nil, nil, 200, "hymenoptera_requests_total"},
		{"the metrics without token", locked, "GET", "/metrics", nil, nil, 401, "Bearer TOKEN"},
		{"health", locked, "GET", "/healthz", nil, nil, 200, "ok"},
		{"ready", locked, "GET", "/readyz", nil, nil, 200, "ready"},
		{"not ready", closing, "GET", "/readyz", nil, nil, 503, "ending"},
		{"the description", locked, "GET", "/openapi.json", nil, nil, 200, "openapi"},
		{"the page", locked, "GET", "/", nil, nil, 200, "<!doctype html>"},
		{"its style", locked, "GET", "/page.css", nil, nil, 200, "color-scheme"},
		{"its program", locked, "GET", "/page.js", nil, nil, 200, "use strict"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, tt.body)
			if tt.body != nil {
				r.Header.Set("Content-Type", "application/octet-stream")
			}
			for k, v := range tt.header {
				r.Header[k] = v
			}
			route, params, err := router.FindRoute(r)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			tt.server.ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.text) {
				t.Errorf("status %d, %s, want %d and %q in it", w.Code, w.Body, tt.status, tt.text)
			}
			input := &openapi3filter.ResponseValidationInput{
				RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
				Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
				Options: &openapi3filter.Options{IncludeResponseStatus: true},
			}
			if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
				t.Errorf("not what openapi.json describes: %v", err)
			}
			for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy"} {
				if w.Header().Get(name) == "" {
					t.Errorf("no header %s", name)
				}
			}
			seen[fmt.Sprint(tt.method, " ", route.Path, " ", w.Code)] = true
		})
	}
	var missing []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if key := method + " " + path + " " + status; !seen[key] {
					missing = append(missing, key)
				}
			}
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		t.Errorf("described and not seen: %q", missing)
	}
}

// The answers for unknown paths, and for methods that a path does not take, are JSON too.
func TestUnknownPaths(t *testing.T) {
	s := newServer(t, nil)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{{"GET", "/nothing", 404, ""}, {"GET", "/v1/", 404, ""}, {"GET", "/v1/predict", 405, "POST"}, {"DELETE", "/v1/model", 405, "GET"}, {"POST", "/", 405, "GET"}} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if _, _, text := read(w.Code, w.Body); w.Code != tt.status || text == "" || w.Header().Get("Allow") != tt.allow {
			t.Errorf("%s %s: status %d, %q, Allow %q", tt.method, tt.path, w.Code, text, w.Header().Get("Allow"))
		}
	}
}
