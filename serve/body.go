package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
)

// A failure is an answer with a status other than 200.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(status int, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// errBusy is the error for a request for which there is no room.
var errBusy = fail(http.StatusTooManyRequests, "the server is busy: try again in a second")

// statusGone is for requests whose client leaves before the answer: for the log and the metrics, as in nginx.
const statusGone = 499

var errGone = fail(statusGone, "the client left before its answer")

// A stream is a request's body, which may end too early.
type stream struct{ io.Reader }

func (s stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	var network *net.OpError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) && !network.Timeout() {
		err = errGone
	}
	return n, err
}

// A counted stream counts the bytes read from it as held: the headers of a form's parts.
type counted struct {
	io.Reader
	held *allowance
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if full := c.held.take(int64(n)); full != nil {
		return n, full
	}
	return n, err
}

// readAll reads all of r. It takes memory from held before it uses it. size is the expected number of bytes, or negative if
// unknown.
func readAll(r io.Reader, size int64, held *allowance) ([]byte, error) {
	var data []byte
	for {
		if len(data) == cap(data) {
			room := max(64<<10, 2*int64(cap(data)))
			if size >= int64(len(data)) {
				room = min(room, size+1) // one more, to find the end without growing
			}
			if err := held.take(room); err != nil {
				return nil, err
			}
			smaller := int64(cap(data))
			data = append(make([]byte, 0, room), data...)
			held.give(smaller)
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// An upload is a picture of a request.
type upload struct {
	name string // if the client gave one
	data []byte
}

// uploads reads the pictures of a request: its body or, of a form, every file in it.
func (s *Server) uploads(r *http.Request, body io.Reader, held *allowance) ([]upload, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		data, err := readAll(body, r.ContentLength, held)
		if err != nil {
			return nil, s.unread(err)
		}
		if len(data) == 0 {
			return nil, fail(http.StatusBadRequest, "the body is empty: want a picture, as curl --data-binary @garden.jpg sends it")
		}
		if kind == "application/x-www-form-urlencoded" && !bytes.ContainsAny(data, "\x00\r\n") && !isText(data) {
			return nil, fail(http.StatusUnprocessableEntity, "the picture is damaged: curl -d leaves out a file's line ends and zeros; use curl --data-binary @garden.jpg")
		}
		return []upload{{data: data}}, nil
	}
	form := multipart.NewReader(counted{body, held}, params["boundary"])
	var ups []upload
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, s.unread(err)
		}
		if part.FileName() == "" {
			continue
		}
		if len(ups) == s.cfg.MaxPictures {
			return nil, fail(http.StatusRequestEntityTooLarge, "more than %d pictures: send them in several requests", s.cfg.MaxPictures)
		}
		data, err := readAll(part, -1, held)
		if err != nil {
			return nil, s.unread(err)
		}
		ups = append(ups, upload{part.FileName(), data})
	}
	if len(ups) == 0 {
		return nil, fail(http.StatusBadRequest, "the form has no file: want a picture in each of its files, as curl -F file=@garden.jpg sends it (mind the @)")
	}
	return ups, nil
}

// unread returns the answer for a body that could not be read to its end.
func (s *Server) unread(err error) error {
	var large *http.MaxBytesError
	var known *failure
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return fail(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", s.cfg.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(http.StatusRequestTimeout, "the body did not come within %v", s.cfg.Timeout)
	}
	return fail(http.StatusBadRequest, "the body cannot be read: %v", err)
}
