package hub_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hymenoptera/hub"
)

// An answering transport returns its answers one after another, then the last one again and again.
type answering []func() *http.Response

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	resp := answer()
	resp.Request = r
	return resp, nil
}

// FuzzFetch downloads from a server that answers anything, after a process that left any files. In every case, a file
// under the final name is the published one.
func FuzzFetch(f *testing.F) {
	body := content(1, 300)
	f.Add(200, `"1"`, "", "", body, []byte(nil), body[:100])
	f.Add(206, `"1"`, "bytes 100-299/300", "", body[100:], []byte(`{"url":"http://localhost/file","validator":"\"1\"","total":300}`), body[:100])
	f.Add(206, `W/"1"`, "bytes 0-9223372036854775807/9223372036854775807", "3600", body, []byte("{"), []byte(nil))
	f.Add(503, "", "", "Fri, 27 Nov 2026 08:00:00 GMT", []byte("busy"), []byte(`{"url":"http://localhost/file","validator":"x","total":-1}`), body)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, status int, tag, span, after string, answer, source, partial []byte) {
		path := filepath.Join(dir, "file")
		for _, ending := range []string{"", ".partial", ".partial.json", ".lock"} {
			if err := os.RemoveAll(path + ending); err != nil {
				t.Fatal(err)
			}
		}
		for ending, data := range map[string][]byte{".partial": partial, ".partial.json": source} {
			if err := os.WriteFile(path+ending, data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		one := func(status int, data []byte) func() *http.Response {
			return func() *http.Response {
				h := http.Header{"Etag": {tag}, "Content-Range": {span}, "Retry-After": {after}}
				return &http.Response{StatusCode: status, Status: "some", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
					Body: io.NopCloser(bytes.NewReader(data)), ContentLength: int64(len(data))}
			}
		}
		cfg := hub.DefaultConfig()
		cfg.Attempts, cfg.MaxBytes = 3, 1<<16
		cfg.Sleep = func(context.Context, time.Duration) error { return nil }
		cfg.Transport = &answering{one(status, answer), one(206, answer), one(200, answer)}
		_, err := hub.Fetch(t.Context(), cfg, hub.File{URL: "http://localhost/file", SHA256: sum(body)}, path)
		data, readErr := os.ReadFile(path)
		if (err == nil) != (readErr == nil) || err == nil && !bytes.Equal(data, body) {
			t.Errorf("error %v; the file holds %d bytes, error %v", err, len(data), readErr)
		}
	})
}
