package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// bufferBytes is how many bytes are read at a time.
const bufferBytes = 256 << 10

// attempt makes one request, for the rest of the file. If all of it arrived, attempt delivers it. Otherwise the bytes that
// arrived stay in the partial.
func (d *download) attempt(parent context.Context, client *http.Client) error {
	p := d.partial
	if p.whole() {
		return d.finish()
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	watchdog := time.AfterFunc(d.cfg.Stall, func() { cancel(fmt.Errorf("no byte came for %v", d.cfg.Stall)) })
	defer watchdog.Stop()
	broken := func(err error) error {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return temporary{error: err}
	}

	req, err := d.request(ctx)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err // the address is in our own message
		}
		if isFinal(err) {
			return err
		}
		return broken(err)
	}
	defer resp.Body.Close()
	if err := d.accept(resp); err != nil {
		return err
	}
	d.cfg.progress(p.size, p.from.Total)
	for buf := make([]byte, bufferBytes); ; {
		n, readErr := resp.Body.Read(buf)
		watchdog.Stop() // so that a slow disk does not count as a stall
		if limit := d.limit(); p.size+int64(n) > limit {
			return errors.Join(fmt.Errorf("it has more than %d bytes, the limit", limit), p.discard())
		}
		if _, err := p.Write(buf[:n]); err != nil {
			return fmt.Errorf("%w; make room and run this again", err)
		}
		d.cfg.progress(p.size, p.from.Total)
		d.came += int64(n)
		if slow := d.tooSlow(); slow != nil && readErr == nil {
			return slow
		}
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return broken(fmt.Errorf("the connection broke after %s: %w", Bytes(p.size), readErr))
		}
		watchdog.Reset(d.cfg.Stall)
	}
	if total := p.from.Total; total >= 0 && p.size != total {
		err := temporary{error: fmt.Errorf("%d bytes came, want %d", p.size, total)}
		if p.size > total {
			return errors.Join(err, p.discard())
		}
		return err
	}
	return d.finish()
}

// request returns the request for the file, or for the rest of it.
func (d *download) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "hymenoptera")
	req.Header.Set("Accept-Encoding", "identity")
	p := d.partial
	if p.size == 0 {
		return req, nil
	}
	if p.from.Validator == "" { // nothing shows that the rest is of the same file
		return req, p.discard()
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	req.Header.Set("If-Range", p.from.Validator)
	return req, nil
}

// finish checks the file and delivers it.
func (d *download) finish() error {
	p := d.partial
	if err := p.check(d.file.SHA256); err != nil {
		retry := p.resumed || d.unframed // parts of different files, or a connection that was cut
		if err := p.discard(); err != nil {
			return err
		}
		if retry {
			return temporary{error: err}
		}
		return fmt.Errorf("%w: something between here and there answers with another file", err)
	}
	return d.deliver()
}

// limit returns the most bytes that the file may have.
func (d *download) limit() int64 {
	if d.file.Size > 0 {
		return d.file.Size
	}
	return d.cfg.MaxBytes
}

// checkTotal refuses a file whose length, as the server announces it, is wrong or too large; -1 means unknown.
func (d *download) checkTotal(total int64) error {
	switch {
	case total > d.cfg.MaxBytes:
		return fmt.Errorf("it has %d bytes, more than %d, the limit", total, d.cfg.MaxBytes)
	case d.file.Size > 0 && total >= 0 && total != d.file.Size:
		return fmt.Errorf("it has %d bytes, but the published file has %d: something between here and there answers with another file", total, d.file.Size)
	}
	return nil
}

// tooSlow returns an error if the download has taken longer than its bytes so far allow.
func (d *download) tooSlow() error {
	allowed := d.cfg.Timeout + time.Duration(float64(d.came)/float64(d.cfg.MinRate)*float64(time.Second))
	if time.Since(d.begun) <= allowed {
		return nil
	}
	return fmt.Errorf("not done after %v, in which %s came", allowed.Round(time.Millisecond), Bytes(d.came))
}

// accept reads the header of an answer and prepares the partial for its body.
func (d *download) accept(resp *http.Response) error {
	p := d.partial
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return fmt.Errorf("the server sends it encoded with %q, which was not asked for", e)
	}
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		total := resp.ContentLength
		if err := d.checkTotal(total); err != nil {
			return err
		}
		d.unframed = total < 0 && resp.ProtoMajor == 1 && len(resp.TransferEncoding) == 0
		if d.unframed && d.file.SHA256 == "" {
			return errors.New("the server says neither how long it is nor when it ends, and no hash is known")
		}
		if p.size > 0 {
			d.cfg.log("the server has another file by now, or cannot go on with one: from the start")
		}
		return p.restart(source{URL: d.url.Redacted(), Validator: validator(resp.Header), Total: total})

	case code == http.StatusPartialContent && d.continues(resp):
		p.resumed = true
		return nil

	case code == http.StatusPartialContent, code == http.StatusRequestedRangeNotSatisfiable:
		if err := p.discard(); err != nil {
			return err
		}
		return temporary{error: errors.New("the server does not go on where the last answer ended")}

	case code == http.StatusNotFound, code == http.StatusGone:
		return fmt.Errorf("the server does not have it (%s)", resp.Status)

	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests,
		code >= 500 && code != http.StatusNotImplemented && code != http.StatusHTTPVersionNotSupported:
		err, after := fmt.Errorf("the server answers %s", resp.Status), retryAfter(resp.Header, d.cfg.Now())
		if after > 0 {
			err = fmt.Errorf("%w and asks to come back in %v", err, after)
		}
		return temporary{err, after}

	default:
		return fmt.Errorf("the server answers %s", resp.Status)
	}
}

// continues reports whether a partial answer is the rest of the file, up to its end.
func (d *download) continues(resp *http.Response) bool {
	p := d.partial
	v := validator(resp.Header)
	if p.size == 0 || v != "" && v != p.from.Validator {
		return false
	}
	first, last, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || first != p.size || last != total-1 || d.checkTotal(total) != nil || p.from.Total >= 0 && p.from.Total != total {
		return false
	}
	p.from.Total = total
	return true
}

// contentRange reads "bytes 100-199/200", RFC 9110 section 14.4.
func contentRange(s string) (first, last, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, whole, ok2 := strings.Cut(s, "/")
	from, to, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, false
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	total, err3 := strconv.ParseInt(whole, 10, 64)
	return first, last, total, err1 == nil && err2 == nil && err3 == nil && first >= 0 && first <= last && last < total
}

// validator returns the value of If-Range, RFC 9110 section 13.1.5: not a weak ETag.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); len(tag) >= 2 && tag[0] == '"' {
		return tag
	} else if tag != "" {
		return ""
	}
	return h.Get("Last-Modified")
}

// retryAfter returns how long a server asks to wait before the next request; the header has seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// isFinal reports whether a request that failed with err would fail again.
func isFinal(err error) bool {
	var refused refusedError
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	return errors.As(err, &refused) || errors.As(err, &certificate) || errors.As(err, &dns) && dns.IsNotFound
}
