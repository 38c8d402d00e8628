package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"

	"hymenoptera/classify"
	"hymenoptera/dataset"
)

// A Guess is a class with its probability.
type Guess struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

// A PictureAnswer is what the network says of one picture.
type PictureAnswer struct {
	Name   string    `json:"name,omitempty"` // the file's name in the form
	Top    []Guess   `json:"top"`            // most probable first
	Logits []float32 `json:"logits"`         // of all classes, in the order of GET /v1/model
}

// An Answer is the body of a request's answer.
type Answer struct {
	Model       string          `json:"model"`
	Predictions []PictureAnswer `json:"predictions"` // one a picture
}

// predict answers POST /v1/predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	s.active.Add(1)
	defer s.active.Done()
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Timeout)
	defer cancel()
	top, err := topOf(r)
	if err != nil {
		return err
	}
	body := &counted{Reader: http.MaxBytesReader(w, r.Body, s.cfg.MaxBody), budget: &s.bodies}
	defer body.release()
	ups, err := s.uploads(r, body)
	if err != nil {
		return err
	}
	n := int64(len(ups))
	if n > int64(s.cfg.Queue) {
		return fail(http.StatusRequestEntityTooLarge, "%d pictures are more than the queue of %d: send them in several requests", n, s.cfg.Queue)
	}
	if !s.waiting.TryAcquire(n) {
		return errBusy
	}
	defer s.waiting.Release(n)
	s.metrics.waiting.Add(float64(n))
	defer s.metrics.waiting.Sub(float64(n))
	m := s.acquire()
	defer m.users.Done()
	predictions, err := s.classify(ctx, m, ups)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fail(http.StatusServiceUnavailable, "no answer within %v: try again later", s.cfg.Timeout)
	}
	if err != nil {
		return err
	}
	s.metrics.pictures.Add(float64(n))
	a := Answer{Model: m.Model}
	for i, p := range predictions {
		a.Predictions = append(a.Predictions, PictureAnswer{ups[i].name, guesses(m.Classes, p.Probabilities, top), p.Logits})
	}
	return reply(w, http.StatusOK, a)
}

// topOf reads how many classes are to be named, at most: all without the parameter.
func topOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("top")
	if text == "" {
		return math.MaxInt, nil
	}
	top, err := strconv.Atoi(text)
	if err != nil || top < 1 {
		return 0, fail(http.StatusBadRequest, "top is %q: want a whole number of at least 1", text)
	}
	return top, nil
}

// classify decodes pictures, a few at a time over all requests, and waits for what the network says of them.
func (s *Server) classify(ctx context.Context, m *model, ups []upload) ([]classify.Prediction, error) {
	items := make([]*item, len(ups))
	for i, up := range ups {
		input, err := s.prepare(ctx, m, up.data)
		if err != nil {
			return nil, named(err, i, len(ups), up.name)
		}
		items[i] = &item{ctx, m, input, make(chan answer, 1)}
		select {
		case s.items <- items[i]:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	predictions := make([]classify.Prediction, len(ups))
	for i, it := range items {
		select {
		case a := <-it.answer:
			if a.err != nil {
				return nil, a.err
			}
			predictions[i] = a.prediction
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return predictions, nil
}

// prepare makes a picture into the network's input.
func (s *Server) prepare(ctx context.Context, m *model, data []byte) (classify.Input, error) {
	if err := s.decoders.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.decoders.Release(1)
	width, height, err := dataset.Size(data)
	if errors.Is(err, dataset.ErrTooManyPixels) {
		return nil, fail(http.StatusRequestEntityTooLarge, "%v", err)
	}
	if err != nil {
		return nil, fail(http.StatusUnprocessableEntity, "%v", err)
	}
	if width <= 0 || height <= 0 || width > s.cfg.MaxPixels/height {
		return nil, fail(http.StatusRequestEntityTooLarge, "%d×%d pixels: want 1 to %d", width, height, s.cfg.MaxPixels)
	}
	input, err := m.Prepare(data)
	if err != nil {
		return nil, fail(http.StatusUnprocessableEntity, "%v", err)
	}
	return input, nil
}

// named says which picture of several an error is about.
func named(err error, i, n int, name string) error {
	var f *failure
	if n == 1 || !errors.As(err, &f) {
		return err
	}
	return fail(f.status, "picture %d (%q): %s", i, name, f.text)
}

// guesses returns the most probable classes.
func guesses(classes []string, probabilities []float32, top int) []Guess {
	all := make([]Guess, len(classes))
	for i, p := range probabilities {
		all[i] = Guess{classes[i], p}
	}
	slices.SortStableFunc(all, func(a, b Guess) int { return cmp.Compare(b.Probability, a.Probability) })
	return all[:min(top, len(all))]
}

// reply writes a value as JSON.
func reply(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(data, '\n'))
	return nil
}
