package hub_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/hub"
)

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

// Fetch checks certificates, and does not retry after a wrong one.
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

// Fetch sends a password in a mirror's address and never shows it.
func TestPassword(t *testing.T) {
	body := content(15, 5000)
	s := newServer(t, body)
	var user, password string
	s.first(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		s.cut(1000)(w, r)
	}, status(404, ""))
	f := newFixture(t)
	f.cfg.Mirror = strings.Replace(s.URL, "http://", "http://me:secret@", 1) + "/pytorch/"
	err := f.fetch(t, t.Context(), hub.File{URL: "https://download.pytorch.org/models/file-0123abcd.pth", SHA256: "0123abcd"}, nil)
	beside, _ := os.ReadFile(f.path + ".partial.json")
	if user != "me" || password != "secret" || !strings.Contains(err.Error(), "/pytorch/models/file-0123abcd.pth") {
		t.Errorf("user %q, password %q, error %v", user, password, err)
	}
	if strings.Contains(err.Error()+f.log.String()+string(beside), "secret") || len(beside) == 0 {
		t.Errorf("the password is in %q, %q or %q", err, f.log.String(), beside)
	}
}

// Over plain http somebody on the way can replace a file, so Fetch accepts it only if its whole hash is known.
func TestPlainHTTP(t *testing.T) {
	body := content(19, 1000)
	for hash, fails := range map[string]string{
		"":             "want an address that begins with https://, not http://, because no hash of the file is known",
		sum(body)[:8]:  "because only the first 8 digits of the file's hash are known",
		sum(body)[:63]: "because only the first 63 digits of the file's hash are known",
		sum(body):      "",
	} {
		for _, allowed := range []bool{false, true} {
			f := newFixture(t)
			f.cfg.Transport = serves(body)
			f.cfg.AllowHTTP = allowed
			err := f.fetch(t, t.Context(), hub.File{URL: "http://mirror.example/file.pth", SHA256: hash}, body)
			var insecure *hub.InsecureError
			if want := fails == "" || allowed; (err == nil) != want || err != nil && (!errors.As(err, &insecure) || !strings.Contains(err.Error(), fails)) {
				t.Errorf("%q, allowed %v: got %v, want %q", hash, allowed, err, fails)
			}
		}
	}
}

// serves is the body of every response.
type serves []byte

func (s serves) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
		ContentLength: int64(len(s)), Body: io.NopCloser(bytes.NewReader(s))}, nil
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

func TestMirror(t *testing.T) {
	body := content(20, 1000)
	for mirror, want := range map[string]string{
		"https://m.example":       "https://m.example/models/a.pth",
		"http://m.example:8080/x": "http://m.example:8080/x/models/a.pth",
		"m.example":               "", "ftp://m.example": "", "https://m.example?x=1": "", "https://%": "",
	} {
		f := newFixture(t)
		f.cfg.Mirror, f.cfg.Transport = mirror, serves(body)
		fetched := body
		if want == "" {
			fetched = nil
		}
		err := f.fetch(t, t.Context(), hub.File{URL: "https://download.pytorch.org/models/a.pth", SHA256: sum(body)}, fetched)
		if wrong := (*hub.MirrorError)(nil); errors.As(err, &wrong) != (want == "") || !strings.Contains(f.log.String(), want) {
			t.Errorf("%q: error %v, log %q, want %q in it", mirror, err, &f.log, want)
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
