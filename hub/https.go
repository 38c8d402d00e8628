package hub

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// maxRedirects is the limit of net/http.
const maxRedirects = 10

// A refusedError says why no request is sent to an address.
type refusedError struct{ reason string }

func (e refusedError) Error() string { return e.reason }

// An InsecureError says that a download over plain http was refused, because somebody on the way could replace the
// file unnoticed.
type InsecureError struct{ hash string }

func (e *InsecureError) Error() string {
	what := "no hash of the file is known"
	if e.hash != "" {
		what = fmt.Sprintf("only the first %d digits of the file's hash are known", len(e.hash))
	}
	return "want an address that begins with https://, not http://, because " + what
}

// allowFirst returns an error unless the download of f may begin at u. It allows https always, and http if f is pinned,
// if the Config allows it, or if u is on this machine.
func (c Config) allowFirst(u *url.URL, f File) error {
	if u.Scheme == "https" || u.Scheme == "http" && (c.AllowHTTP || f.Pinned() || isLoopback(u.Hostname())) {
		return nil
	}
	if u.Scheme == "http" {
		return &InsecureError{f.SHA256}
	}
	return refusedError{fmt.Sprintf("want an address that begins with https://, not %s://", u.Scheme)}
}

// checkRedirect follows redirects to https, and from http to http on the same host, since allowFirst has allowed http
// there. It never follows one from https to http.
func (c Config) checkRedirect(req *http.Request, via []*http.Request) error {
	from, to := via[len(via)-1].URL, req.URL
	if len(via) > maxRedirects {
		return refusedError{fmt.Sprintf("more than %d redirects", maxRedirects)}
	}
	if to.Scheme == "https" || to.Scheme == "http" && from.Scheme == "http" && to.Host == from.Host {
		return nil
	}
	return refusedError{fmt.Sprintf("a redirect leads to %s, which is not https", to.Redacted())}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
