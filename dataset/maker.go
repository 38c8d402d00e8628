package dataset

import (
	"context"
	"image"

	"hymenoptera/internal/jpeg"
	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A maker makes samples, one after another, in memory that it keeps. It belongs to one goroutine at a time.
type maker struct {
	loader  *Loader
	own     mt19937.Generator // a worker's generator
	src     Source            // where crops are drawn from
	file    []byte            // the file's content
	picture transforms.Image  // its pixels, or those that the plan needs
	sample8 transforms.Image  // the sample, before it is normalised
	resizer transforms.Resizer
	jpeg    *jpeg.Decoder
	unusual []string // about the file that was decoded last
}

// seed makes the maker draw from its own generator.
func (m *maker) seed(seed uint64) {
	m.own.Seed(seed)
	m.src = &m.own
}

// close frees what lies outside of Go's memory.
func (m *maker) close() {
	if m.jpeg != nil {
		m.jpeg.Close()
		m.jpeg = nil
	}
}

// sample makes the i-th sample of a batch.
func (m *maker) sample(b *Batch, i, index int) error {
	picture, flip, err := m.crop(index)
	if err != nil {
		return err
	}
	from, to := i*m.loader.sampleLen(), (i+1)*m.loader.sampleLen()
	if m.loader.cfg.Pixels {
		transforms.Pack(b.Pixels[from:to], picture, flip)
	} else {
		m.normalize(b.Images[from:to], picture, flip)
	}
	return nil
}

// normalize writes the sample that a picture shows.
func (m *maker) normalize(dst []float32, picture *transforms.Image, flip bool) {
	if m.loader.cfg.ChannelsLast {
		m.loader.norm.ApplyChannelsLast(dst, picture, flip)
	} else {
		m.loader.norm.Apply(dst, picture, flip)
	}
}

// crop returns what a sample shows, and whether it is mirrored. The picture is valid until the next call.
func (m *maker) crop(index int) (*transforms.Image, bool, error) {
	l := m.loader
	if p := l.kept.get(index); p != nil {
		if !l.tf.Random {
			return p, false, nil
		}
		plan := l.tf.Plan(p.Width, p.Height, m.src)
		m.resizer.Resize(&m.sample8, p, image.Point{}, plan)
		return &m.sample8, plan.Flip, nil
	}
	var err error
	if m.file, err = ReadFile(m.file, l.Path(index)); err != nil {
		return nil, false, err
	}
	flip, err := m.cropFile(context.Background(), index)
	if err != nil {
		return nil, false, err
	}
	m.warn(index)
	if !l.tf.Random && l.cfg.Cache.reserve(l.tf.Size, l.tf.Size) {
		l.kept.put(index, &m.sample8)
	}
	return &m.sample8, flip, nil
}

// cropFile sets m.sample8 to what the file in m.file shows and reports whether it is to be mirrored.
func (m *maker) cropFile(ctx context.Context, index int) (flip bool, err error) {
	var plan transforms.Plan
	var origin image.Point
	if format(m.file) == formatJPEG {
		plan, origin, err = m.decodeJPEG(ctx, index)
	} else {
		plan, err = m.decodeOther(ctx, index)
	}
	if err != nil {
		return false, err
	}
	m.resizer.Resize(&m.sample8, &m.picture, origin, plan)
	return plan.Flip, nil
}

// decodeJPEG draws the plan from the size in the header and decodes only what it needs: m.picture begins at
// origin. With room in the cache it decodes all of it and keeps it.
func (m *maker) decodeJPEG(ctx context.Context, index int) (plan transforms.Plan, origin image.Point, err error) {
	if m.jpeg == nil {
		if m.jpeg, err = jpeg.NewDecoder(); err != nil {
			return plan, origin, err
		}
	}
	info, err := m.jpeg.Header(m.file)
	if err != nil {
		return plan, origin, err
	}
	m.unusual = warnings(m.file, info.Width, info.Height)
	plan = m.loader.tf.Plan(info.Width, info.Height, m.src)
	if m.loader.tf.Random && m.loader.cfg.Cache.reserve(info.Width, info.Height) {
		if err := decodeRegion(ctx, &m.picture, m.jpeg, m.file, info.Bounds()); err != nil {
			return plan, origin, err
		}
		m.loader.kept.put(index, &m.picture)
		return plan, origin, nil
	}
	region := m.jpeg.Cover(plan.Source())
	return plan, region.Min, decodeRegion(ctx, &m.picture, m.jpeg, m.file, region)
}

// decodeOther decodes the whole picture.
func (m *maker) decodeOther(ctx context.Context, index int) (plan transforms.Plan, err error) {
	if err := decode(ctx, &m.picture, m.file); err != nil {
		return plan, err
	}
	w, h := m.picture.Width, m.picture.Height
	m.unusual = warnings(m.file, w, h)
	if m.loader.tf.Random && m.loader.cfg.Cache.reserve(w, h) {
		m.loader.kept.put(index, &m.picture)
	}
	return m.loader.tf.Plan(w, h, m.src), nil
}

// decodeRegion decodes a region of the file whose header d read last.
func decodeRegion(ctx context.Context, dst *transforms.Image, d *jpeg.Decoder, data []byte, region image.Rectangle) error {
	dst.Reset(region.Dx(), region.Dy())
	return d.Decode(ctx, dst.Bytes(), 8*dst.Stride, data, region)
}

// warn passes on what is unusual about the file of a sample.
func (m *maker) warn(index int) {
	for _, reason := range m.unusual {
		if m.loader.cfg.Warn != nil {
			m.loader.cfg.Warn(Warning{m.loader.Path(index), reason})
		}
	}
}
