package classify

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"

	"hymenoptera/dataset"
)

// A Picture is a picture of a stream.
type Picture struct {
	Name string
	Read func() ([]byte, error) // its content, the bytes of an image file
}

// File returns the picture in a regular file.
func File(path string) Picture {
	return Picture{Name: path, Read: func() ([]byte, error) { return dataset.ReadFile(nil, path) }}
}

// A Result is the result of a stream for one picture.
type Result struct {
	Name string
	Prediction
	Err error // why the picture has no prediction: it cannot be read or decoded
}

// pending is a picture in a stream.
type pending struct {
	picture Picture
	input   Input
	err     error
	done    chan struct{} // closed when input or err is set
}

// Stream classifies any number of pictures in constant memory: workers goroutines read and decode while the network
// computes a batch. It yields one result per picture, in order. A picture that cannot be read gives a result with an
// error. The stream ends with an error of its own when ctx is done or the network fails. The classifier must stay
// open.
func (c *Classifier) Stream(ctx context.Context, pictures iter.Seq[Picture], batch, workers int) iter.Seq2[Result, error] {
	batch, workers = max(1, batch), max(1, workers)
	return func(yield func(Result, error) bool) {
		all, cancel := context.WithCancel(ctx)
		g, feeding := errgroup.WithContext(all)
		work, inOrder := make(chan *pending), make(chan *pending, 2*batch+workers)
		defer func() { // goroutines end before the stream does
			cancel()
			for range inOrder {
			}
			g.Wait()
		}()
		g.Go(func() error { return feed(feeding, pictures, work, inOrder) })
		for range workers {
			g.Go(func() error { return c.work(feeding, work) })
		}
		var held []*pending // a batch, and the pictures with errors between its pictures
		inputs := make([]Input, 0, batch)
		flush := func() bool {
			predictions, err := c.PredictInputs(ctx, inputs)
			if err == nil {
				err = ctx.Err() // the pictures' errors may be this one too
			}
			if err != nil {
				yield(Result{}, err)
				return false
			}
			for _, p := range held {
				r := Result{Name: p.picture.Name, Err: p.err}
				if p.err == nil {
					r.Prediction, predictions = predictions[0], predictions[1:]
				}
				if !yield(r, nil) {
					return false
				}
			}
			held, inputs = held[:0], inputs[:0]
			return true
		}
		for p := range inOrder {
			<-p.done
			held = append(held, p)
			if p.err == nil {
				inputs = append(inputs, p.input)
			}
			if (len(inputs) == batch || len(held) == 2*batch) && !flush() {
				return
			}
		}
		err := g.Wait()
		if err == nil {
			err = ctx.Err() // a picture's own Read may have returned it early
		}
		if err != nil {
			yield(Result{}, err)
			return
		}
		flush()
	}
}

// feed passes every picture to the workers and, in order, to the collector.
func feed(ctx context.Context, pictures iter.Seq[Picture], work, inOrder chan<- *pending) error {
	defer close(inOrder)
	defer close(work)
	for picture := range pictures {
		p := &pending{picture: picture, done: make(chan struct{})}
		select {
		case work <- p:
			inOrder <- p
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// work prepares pictures until there are no more.
func (c *Classifier) work(ctx context.Context, pictures <-chan *pending) error {
	p, err := c.Preparer()
	if err != nil {
		return err
	}
	defer p.Close()
	for picture := range pictures {
		picture.prepare(ctx, p)
		for _, reason := range p.Unusual() {
			if picture.err == nil && c.cfg.Warn != nil {
				c.cfg.Warn(dataset.Warning{Path: picture.picture.Name, Reason: reason})
			}
		}
	}
	return nil
}

func (p *pending) prepare(ctx context.Context, with *dataset.Preparer) {
	defer close(p.done)
	data, err := p.picture.Read()
	if err != nil {
		p.err = err
		return
	}
	p.input = make(Input, with.Len())
	p.err = with.Prepare(ctx, p.input, data)
}
