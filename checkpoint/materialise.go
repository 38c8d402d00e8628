package checkpoint

import (
	"fmt"
	"slices"
)

// copyLimit bounds the memory for tensors whose elements are not in order in the file.
const copyLimit = 24 << 20

// copier makes views contiguous, within copyLimit for all of them together.
type copier struct {
	spent   int64
	scratch []byte
}

// materialise sets v.data. A contiguous view becomes a slice of its storage. A view that permutes its storage, as in
// a model saved in channels_last, is put in order in place, through a buffer. Other views are copied.
func (c *copier) materialise(v *view) error {
	size := int64(v.storage.dtype.Size())
	switch n := v.numel * size; {
	case v.data != nil:
	case v.contiguous():
		from := v.offset * size
		v.data = v.storage.data[from : from+n : from+n]
	case v.permutes():
		if n > int64(len(c.scratch)) {
			if err := c.spend(n - int64(len(c.scratch))); err != nil {
				return err
			}
			c.scratch = nil // so that it can be freed before the larger one is allocated
			c.scratch = make([]byte, n)
		}
		v.gather(c.scratch[:0])
		v.data = v.storage.data
		copy(v.data, c.scratch[:n])
	default:
		if v.numel > copyLimit { // also keeps numel*size from overflowing
			return c.spend(copyLimit + 1)
		}
		if err := c.spend(n); err != nil {
			return err
		}
		v.data = v.gather(make([]byte, 0, n))
	}
	return nil
}

func (c *copier) spend(n int64) error {
	if n > copyLimit-c.spent {
		return fmt.Errorf("putting tensors with gaps or another order of strides in order takes more than %d MiB: "+
			"save them in Python with tensor.contiguous()", copyLimit>>20)
	}
	c.spent += n
	return nil
}

// gather appends v's elements in order to dst.
func (v *view) gather(dst []byte) []byte {
	size := int64(v.storage.dtype.Size())
	// An outer odometer over all dimensions but the last; sizes of 0 do not come here.
	last := len(v.shape) - 1
	inner, step := v.shape[last], v.stride[last]*size
	index := make([]int64, last)
	base := v.offset * size
	for {
		if step == size {
			dst = append(dst, v.storage.data[base:base+inner*size]...)
		} else {
			for i, at := int64(0), base; i < inner; i, at = i+1, at+step {
				dst = append(dst, v.storage.data[at:at+size]...)
			}
		}
		d := last - 1
		for ; d >= 0; d-- {
			index[d]++
			base += v.stride[d] * size
			if index[d] < v.shape[d] {
				break
			}
			base -= v.shape[d] * v.stride[d] * size
			index[d] = 0
		}
		if d < 0 {
			return dst
		}
	}
}

// stateDict turns the named views into tensors.
func stateDict(entries []entry, wrapper, format string) (*StateDict, error) {
	sd := &StateDict{Format: format, Wrapper: wrapper, Tensors: make([]Tensor, 0, len(entries))}
	var c copier
	for _, e := range entries {
		if err := c.materialise(e.tensor.view); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		sd.Tensors = append(sd.Tensors, Tensor{
			Name: e.name, DType: e.tensor.view.storage.dtype, Shape: slices.Clone(e.tensor.view.shape),
			Data: e.tensor.view.data, Parameter: e.tensor.parameter, RequiresGrad: e.tensor.requiresGrad,
		})
	}
	return sd.validated()
}
