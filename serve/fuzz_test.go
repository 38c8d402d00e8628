package serve_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"hymenoptera/serve"
)

// FuzzPredict sends any request with any body: the answer is JSON with a status that openapi.json has, and the server then
// holds no memory for it.
func FuzzPredict(f *testing.F) {
	all := pictures(f)
	kind, body := form(f, all[0], all[1])
	data, err := io.ReadAll(body)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kind, "", data)
	f.Add("multipart/form-data; boundary=b", "1", []byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n\xff\xd8\xff\r\n--b--\r\n"))
	f.Add("image/jpeg", "2", all[0])
	f.Add("application/x-www-form-urlencoded", "-1", []byte("\xff\xd8\xff"))
	f.Add("text/html; =", "x", []byte("<html>"))
	s := newServer(f, func(c *serve.Config) { c.MaxPixels = 1 << 16 })
	statuses := []int{200, 400, 413, 422, 429}
	f.Fuzz(func(t *testing.T, contentType, top string, body []byte) {
		r := httptest.NewRequest("POST", "/v1/predict?top="+url.QueryEscape(top), bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		status, answer, text := read(w.Code, w.Body)
		if !slices.Contains(statuses, status) || (status == http.StatusOK) != (len(answer.Predictions) > 0) || (status == http.StatusOK) != (text == "") {
			t.Errorf("got %d, %+v, %q", status, answer, text)
		}
		if n := s.Held(); n != 0 {
			t.Errorf("%d bytes are held afterwards", n)
		}
	})
}
