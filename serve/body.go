package serve

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"sync/atomic"
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

// errBusy is for who comes when there is no room.
var errBusy = fail(http.StatusTooManyRequests, "too many pictures are on their way: try again in a second")

// A budget bounds the bytes that all requests hold together.
type budget struct {
	held atomic.Int64
	most int64
}

// always is how much of a body is taken in even where the budget is spent: who sends much, slowly, keeps nobody with
// an ordinary photograph out.
const always = 1 << 20

// A counted reader takes what it reads from the budget, until it is released.
type counted struct {
	io.Reader
	budget *budget
	n      int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	if c.budget.held.Add(int64(n)) > c.budget.most && c.n > always {
		return n, errBusy
	}
	return n, err
}

func (c *counted) release() { c.budget.held.Add(-c.n) }

// An upload is a picture of a request.
type upload struct {
	name string // where the client gave one
	data []byte
}

// uploads reads the pictures of a request: its body or, of a form, every file in it.
func (s *Server) uploads(r *http.Request, body io.Reader) ([]upload, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		data, err := io.ReadAll(body)
		if err != nil {
			return nil, s.unread(err)
		}
		if len(data) == 0 {
			return nil, fail(http.StatusBadRequest, "the body is empty: want a picture")
		}
		return []upload{{data: data}}, nil
	}
	form := multipart.NewReader(body, params["boundary"])
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
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, s.unread(err)
		}
		ups = append(ups, upload{part.FileName(), data})
	}
	if len(ups) == 0 {
		return nil, fail(http.StatusBadRequest, "the form has no file: want a picture in each of its files")
	}
	return ups, nil
}

// unread says why a body could not be read to its end.
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
