package dataset

import (
	"fmt"

	"hymenoptera/transforms"
)

// A Preparer makes single samples of pictures that lie in memory, as a loader makes those of files, in memory
// that it keeps. It belongs to one goroutine at a time.
type Preparer struct{ m maker }

// NewPreparer returns a preparer for a transform without random parts. Samples are H×W×3 where channelsLast is
// set, else 3×H×W. It must be closed.
func NewPreparer(tf transforms.Transform, channelsLast bool) (*Preparer, error) {
	if err := tf.Validate(); err != nil {
		return nil, err
	}
	if tf.Random {
		return nil, fmt.Errorf("dataset: a preparer cannot draw random crops: want the transform of validation")
	}
	l := &Loader{tf: tf, norm: transforms.NewNormalizer(tf.Mean, tf.Std), cfg: LoaderConfig{ChannelsLast: channelsLast}}
	return &Preparer{maker{loader: l}}, nil
}

// Len returns the floats of a sample: 3×H×W.
func (p *Preparer) Len() int { return p.m.loader.sampleLen() }

// Prepare writes the sample of a picture, the content of a file of any format that [Decode] takes, to dst, which
// has Len() floats. It decodes no more of the picture than the crop needs.
func (p *Preparer) Prepare(dst []float32, data []byte) error {
	p.m.file = data
	defer func() { p.m.file = nil }()
	if _, err := p.m.cropFile(0); err != nil {
		return err
	}
	p.m.normalize(dst, &p.m.sample8, false)
	return nil
}

// Unusual returns what is unusual about the picture that was prepared last: the reasons of a [Warning].
func (p *Preparer) Unusual() []string { return p.m.unusual }

// Close frees the memory that lies outside of Go's.
func (p *Preparer) Close() { p.m.close() }
