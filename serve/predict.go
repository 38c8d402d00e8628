package serve

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"hymenoptera/classify"
	"hymenoptera/dataset"
)

// A Guess is a class with its probability.
type Guess struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

// A PictureAnswer is the answer for one picture.
type PictureAnswer struct {
	Name   string    `json:"name,omitempty"`   // the file's name in the form
	Top    []Guess   `json:"top"`              // most probable first
	Unsure *bool     `json:"unsure,omitempty"` // the first of them is less probable than the threshold; nil if there is none
	Logits []float32 `json:"logits"`           // of all classes, in the order of GET /v1/model
	Map    *Map      `json:"map,omitempty"`    // if the request asks for it
}

// A Map says where the network looked: how much each part of its view of the picture, row by row, contributed to the first
// class.
type Map struct {
	Width  int       `json:"width"`
	Height int       `json:"height"`
	Values []float32 `json:"values"` // from 0 to 1
}

// An Answer is the body of a request's answer.
type Answer struct {
	Model       string          `json:"model"`
	Predictions []PictureAnswer `json:"predictions"` // one per picture
}

// perRequest is the garbage of a request, besides the memory that it holds: its header, the answer, a line of the log.
const perRequest = 64 << 10

// predict answers POST /v1/predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	s.active.Add(1)
	defer s.active.Done()
	s.idle.begin()
	defer s.idle.end()
	defer s.memory.discard(perRequest)
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Timeout)
	defer cancel()
	asked, err := parameters(r)
	if err != nil {
		return err
	}
	held := &allowance{budget: s.memory, client: clientOf(r.RemoteAddr)}
	defer held.release()
	ups, err := s.uploads(r, stream{http.MaxBytesReader(w, r.Body, s.cfg.MaxBody)}, held)
	if err != nil {
		return err
	}
	defer answering(r)()
	n := int64(len(ups))
	if n > int64(s.cfg.Queue) {
		return fail(http.StatusRequestEntityTooLarge, "%d pictures are more than the queue of %d: send them in several requests", n, s.cfg.Queue)
	}
	if asked.mapped && n > 1 {
		return fail(http.StatusBadRequest, "map is for a single picture, and these are %d", n)
	}
	m := s.acquire()
	defer m.users.Done()
	if err := held.take(n * m.pictureBytes()); err != nil {
		return err
	}
	if !s.places.take(held.client, n) {
		return errBusy
	}
	defer s.places.give(held.client, n)
	s.metrics.waiting.Add(float64(n))
	defer s.metrics.waiting.Sub(float64(n))
	predictions, inputs, err := s.classify(ctx, m, held.client, ups)
	switch {
	case r.Context().Err() != nil:
		return errGone
	case errors.Is(err, context.DeadlineExceeded):
		return fail(http.StatusServiceUnavailable, "no answer within %v: try again later", s.cfg.Timeout)
	}
	var f *failure
	if errors.As(err, &f) && f.status == http.StatusUnprocessableEntity && n == 1 {
		return fail(f.status, "%s%s", f.text, hint(r, ups[0].data))
	}
	if err != nil {
		return err
	}
	s.metrics.pictures.Add(float64(n))
	a := Answer{Model: m.Model}
	for i, p := range predictions {
		answer, err := asked.answer(ctx, m, p, inputs[i])
		if err != nil {
			return err
		}
		answer.Name = ups[i].name
		a.Predictions = append(a.Predictions, answer)
	}
	return reply(w, http.StatusOK, a)
}

// A question says what is asked of each picture.
type question struct {
	top    int  // classes to name, at most
	mapped bool // whether to say where the network looked
}

// parameters reads the question from a request's address: without parameters all classes, and no map.
func parameters(r *http.Request) (q question, err error) {
	query := r.URL.Query()
	q.top = math.MaxInt
	if text := query.Get("top"); text != "" {
		if q.top, err = strconv.Atoi(text); err != nil || q.top < 1 {
			return q, fail(http.StatusBadRequest, "top is %q: want a whole number of at least 1", text)
		}
	}
	switch text := query.Get("map"); text {
	case "", "false":
	case "true":
		q.mapped = true
	default:
		return q, fail(http.StatusBadRequest, "map is %.40q: want true or false", text)
	}
	return q, nil
}

// answer returns the answer for a picture, without its name.
func (q question) answer(ctx context.Context, m *model, p classify.Prediction, input classify.Input) (PictureAnswer, error) {
	a := PictureAnswer{Logits: p.Logits}
	for _, class := range p.Top(q.top) {
		a.Top = append(a.Top, Guess{m.Classes[class], p.Probabilities[class]})
	}
	if m.Cut.Threshold > 0 {
		a.Unsure = &p.Unsure
	}
	if q.mapped {
		looked, err := m.Explain(ctx, input, p.Best())
		if err != nil {
			return a, err
		}
		a.Map = &Map{looked.Width, looked.Height, looked.Values}
	}
	return a, nil
}

// classify decodes pictures, a few at a time over all requests, and waits for the network's answers. inputs are the decoded ones.
func (s *Server) classify(ctx context.Context, m *model, c client, ups []upload) (predictions []classify.Prediction, inputs []classify.Input, err error) {
	items := make([]*item, len(ups))
	for i, up := range ups {
		input, err := s.prepare(ctx, m, c, up.data)
		if err != nil {
			return nil, nil, named(err, i, len(ups), up.name)
		}
		items[i] = &item{ctx, m, input, make(chan answer, 1)}
		select {
		case s.items <- items[i]:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	predictions = make([]classify.Prediction, len(ups))
	for i, it := range items {
		select {
		case a := <-it.answer:
			if a.err != nil {
				return nil, nil, a.err
			}
			predictions[i] = a.prediction
			inputs = append(inputs, it.input)
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	return predictions, inputs, nil
}

// prepare turns a picture into the network's input, when it is its client's turn and there is memory for it.
func (s *Server) prepare(ctx context.Context, m *model, c client, data []byte) (classify.Input, error) {
	cost, err := s.cost(m, data)
	if err != nil {
		return nil, undecodable(err)
	}
	if most := s.memory.mostDecoding(); cost.Memory > most {
		return nil, fail(http.StatusRequestEntityTooLarge, "to decode the picture takes %d bytes, more than the %d that the server has for it (--memory): make it smaller, or a JPEG", cost.Memory, most)
	}
	l := line{c, cost.Work > heavy}
	if err := s.turns.wait(ctx, l, cost.Memory); err != nil {
		return nil, err
	}
	defer s.turns.done(l, cost.Memory)
	input, err := s.decode(ctx, m, data)
	if err != nil && ctx.Err() == nil {
		return nil, undecodable(err)
	}
	return input, err
}

// preparer returns one for a single picture: it keeps its memory until it is dropped.
func (s *Server) preparer(m *model) (*dataset.Preparer, error) {
	p, err := m.Preparer()
	if err == nil {
		p.Bound(s.cfg.MaxPixels)
	}
	return p, err
}

func (s *Server) cost(m *model, data []byte) (dataset.Cost, error) {
	p, err := s.preparer(m)
	if err != nil {
		return dataset.Cost{}, err
	}
	defer p.Close()
	return p.Cost(data)
}

// decode returns a picture as the network's input. When it returns, only the input is still in memory.
func (s *Server) decode(ctx context.Context, m *model, data []byte) (classify.Input, error) {
	p, err := s.preparer(m)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	input := make(classify.Input, p.Len())
	return input, p.Prepare(ctx, input, data)
}

// undecodable returns the answer for a picture that is refused.
func undecodable(err error) error {
	var large *dataset.SizeError
	if errors.As(err, &large) || errors.Is(err, dataset.ErrTooManyPixels) || errors.Is(err, dataset.ErrTooManyScans) {
		return fail(http.StatusRequestEntityTooLarge, "%v", err)
	}
	return fail(http.StatusUnprocessableEntity, "%v", err)
}

// named adds to an error which of several pictures it is about.
func named(err error, i, n int, name string) error {
	var f *failure
	if n == 1 || !errors.As(err, &f) {
		return err
	}
	return fail(f.status, "picture %d (%q): %s", i, name, f.text)
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
