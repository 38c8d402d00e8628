package checkpoint

import (
	"fmt"
	"math"
)

// maxDims is the most dimensions that a tensor has in PyTorch (at::kDimVectorStaticSize is 5, but
// TensorIterator stops at 64).
const maxDims = 64

// elements returns the product of a shape's sizes. It refuses negative sizes and products that do not fit 63 bits,
// even if a size of 0 would hide them.
func elements(shape []int64) (int64, error) {
	if len(shape) > maxDims {
		return 0, fmt.Errorf("it has %d dimensions, PyTorch's most is %d", len(shape), maxDims)
	}
	n, empty := int64(1), false
	for _, size := range shape {
		switch {
		case size < 0:
			return 0, fmt.Errorf("its shape %v has a negative size", shape)
		case size == 0:
			empty = true
		case n > math.MaxInt64/size:
			return 0, fmt.Errorf("its shape %v has more elements than 63 bits can count", shape)
		default:
			n *= size
		}
	}
	if empty {
		return 0, nil
	}
	return n, nil
}

// byteSize returns the bytes that a contiguous tensor takes.
func byteSize(shape []int64, d DType) (int64, error) {
	n, err := elements(shape)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64/int64(d.Size()) {
		return 0, fmt.Errorf("its shape %v has more bytes than 63 bits can count", shape)
	}
	return n * int64(d.Size()), nil
}

// view is a strided window on a storage: element (i, j, …) is the storage's element
// offset + i*stride[0] + j*stride[1] + …
type view struct {
	storage *storage
	offset  int64
	shape   []int64
	stride  []int64
	numel   int64
	data    []byte // the elements in order; nil until materialise
}

// storage is a sequence of elements of one type, which views share.
type storage struct {
	key   string
	dtype DType  // 0 for a class in otherStorages
	class string // of PyTorch
	numel int64
	data  []byte // numel elements; nil until the file's data has been found
	users int    // views on it, and storages that are parts of it
}

// elementSize returns the bytes that an element takes.
func (s *storage) elementSize() int64 {
	if s.dtype == 0 {
		return int64(otherStorages[s.class])
	}
	return int64(s.dtype.Size())
}

// kind names the type of the elements: PyTorch's name or, if no network here uses it, the storage class.
func (s *storage) kind() string {
	if s.dtype == 0 {
		return s.class
	}
	return s.dtype.String()
}

// newView checks that every element lies within s.
func newView(s *storage, offset int64, shape, stride []int64) (*view, error) {
	if len(shape) != len(stride) {
		return nil, fmt.Errorf("it has %d sizes but %d strides", len(shape), len(stride))
	}
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > s.numel {
		return nil, fmt.Errorf("it begins at element %d of a storage of %d", offset, s.numel)
	}
	last := offset
	for i, size := range shape {
		if stride[i] < 0 {
			return nil, fmt.Errorf("its strides %v have a negative one", stride)
		}
		if n == 0 || size == 1 {
			continue
		}
		if stride[i] > (math.MaxInt64-last)/(size-1) {
			return nil, fmt.Errorf("its strides %v reach further than 63 bits can count", stride)
		}
		last += (size - 1) * stride[i]
	}
	if n > 0 && last >= s.numel {
		return nil, fmt.Errorf("it reaches element %d of a storage of %d", last, s.numel)
	}
	s.users++
	return &view{storage: s, offset: offset, shape: shape, stride: stride, numel: n}, nil
}

// contiguous reports whether the elements lie in order without gaps.
func (v *view) contiguous() bool {
	if v.numel == 0 {
		return true
	}
	step := int64(1)
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] != 1 && v.stride[i] != step {
			return false
		}
		step *= v.shape[i]
	}
	return true
}

// permutes reports whether the elements of v are those of its storage, each exactly once, in another order, and no
// other view uses that storage.
func (v *view) permutes() bool {
	if v.storage.users != 1 || v.numel != v.storage.numel {
		return false
	}
	// Strides that can be put in an order in which each is the product of the sizes before it.
	step := int64(1)
	for step < v.numel {
		found := false
		for i, size := range v.shape {
			if size != 1 && v.stride[i] == step {
				step *= size
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return step == v.numel
}
