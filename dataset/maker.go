package dataset

import (
	"context"
	"image"
	"sync/atomic"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A maker makes the samples of a folder. It belongs to one goroutine at a time.
type maker struct {
	sampler
	folder *ImageFolder
	kept   kept // the loader's
	cache  *Cache
	report func(Warning)
	// versions are the loader's: the version of each sample's file when it was last read.
	versions []atomic.Int64

	own  mt19937.Generator // the generator of a worker
	src  Source            // crops are drawn from it
	file []byte            // the file's content
}

func (l *Loader) newMaker() *maker {
	m := &maker{sampler: newSampler(l.tf, l.layout), folder: l.folder, kept: l.kept, cache: l.cfg.Cache, report: l.cfg.Warn, versions: l.versions}
	if l.tf.Random {
		m.keep = m.cache.reserve
	}
	return m
}

// seed makes the maker draw from its own generator.
func (m *maker) seed(seed uint64) {
	m.own.Seed(seed)
	m.src = &m.own
}

// sample makes the i-th sample of a batch.
func (m *maker) sample(ctx context.Context, b *Batch, i, index int) error {
	picture, plan, err := m.prepare(ctx, index)
	if err != nil {
		return err
	}
	from, to := i*m.layout.SampleLen(), (i+1)*m.layout.SampleLen()
	if m.layout.Pixels {
		transforms.Pack(b.Pixels[from:to], picture, plan.Flip)
		if b.Erase != nil {
			b.Erase[i] = plan.Erase
		}
	} else {
		m.normalize(b.Images[from:to], picture, plan)
	}
	return nil
}

// prepare returns the pixels of a sample, and the rest of its plan. The picture is valid until the next call.
func (m *maker) prepare(ctx context.Context, index int) (*transforms.Image, transforms.Plan, error) {
	if p := m.kept.get(index); p != nil {
		if !m.tf.Random {
			return p, transforms.Plan{}, nil
		}
		return &m.sample8, m.show(p, image.Point{}, m.tf.Plan(p.Width, p.Height, m.src)), nil
	}
	if err := m.read(ctx, index); err != nil {
		return nil, transforms.Plan{}, err
	}
	plan, err := m.crop(context.Background(), m.src, m.file)
	if err != nil {
		return nil, plan, err
	}
	m.warn(index)
	if m.complete {
		m.kept.put(index, &m.picture)
	}
	if !m.tf.Random && m.cache.reserve(m.tf.Size, m.tf.Size) {
		m.kept.put(index, &m.sample8)
	}
	return &m.sample8, plan, nil
}

// read reads the file of a sample, and warns if the file has changed since it was last read.
func (m *maker) read(ctx context.Context, index int) error {
	s := m.folder.Samples[index]
	r, err := s.read(ctx, m.file)
	m.file = r.data
	if err != nil {
		return err
	}
	if before := m.versions[index].Swap(r.version); before != 0 && before != r.version && m.report != nil {
		m.report(Warning{s.Path, warnChanged})
	}
	return nil
}

// warn reports the warnings about the file of a sample.
func (m *maker) warn(index int) {
	for _, reason := range m.unusual {
		if m.report != nil {
			m.report(Warning{m.folder.Samples[index].Path, reason})
		}
	}
}
