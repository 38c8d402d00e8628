package dataset

import (
	"fmt"

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

// sample makes a sample of 3×H×W floats.
func (m *maker) sample(dst []float32, index int) (err error) {
	l := m.loader
	if m.file, err = readFile(m.file, l.paths[index]); err != nil {
		return err
	}
	var plan transforms.Plan
	if format(m.file) == formatJPEG {
		plan, err = m.decodeJPEG()
	} else {
		plan, err = m.decodeOther()
	}
	if err != nil {
		return err
	}
	m.resizer.Resize(&m.sample8, &m.picture, plan)
	l.norm.Apply(dst, &m.sample8, plan.Flip)
	return nil
}

// decodeJPEG draws the plan from the size in the header and decodes only what it needs.
func (m *maker) decodeJPEG() (plan transforms.Plan, err error) {
	if m.jpeg == nil {
		if m.jpeg, err = jpeg.NewDecoder(); err != nil {
			return plan, err
		}
	}
	info, err := m.jpeg.Header(m.file)
	if err != nil {
		return plan, err
	}
	m.warnSize(info.Width, info.Height)
	plan = m.loader.tf.Plan(info.Width, info.Height, m.src)
	region := plan.Source()
	m.picture.Reset(region.Dx(), region.Dy())
	return plan, m.jpeg.Decode(m.picture.Pix, m.picture.Stride, m.file, region)
}

// decodeOther decodes the whole picture and then cuts out what the plan needs.
func (m *maker) decodeOther() (plan transforms.Plan, err error) {
	if err := decode(&m.picture, m.file); err != nil {
		return plan, err
	}
	w, h := m.picture.Width, m.picture.Height
	m.warnSize(w, h)
	plan = m.loader.tf.Plan(w, h, m.src)
	m.picture.Crop(plan.Source())
	return plan, nil
}

// warnSize reports what Pillow warns about.
func (m *maker) warnSize(w, h int) {
	if warn := m.loader.cfg.Warn; warn != nil && w*h > jpeg.WarnPixels {
		warn(fmt.Sprintf("dataset: a picture of %d×%d pixels: more than %d may be a decompression bomb", w, h, jpeg.WarnPixels))
	}
}
