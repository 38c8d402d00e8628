package checkpoint

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxHeader is the longest header that safetensors allows.
const maxHeader = 100_000_000

// readSafetensors reads the format of https://github.com/huggingface/safetensors: the length of a JSON
// header in 8 bytes, the header, the data. The header has each tensor's type, shape and range of bytes in the data;
// together the tensors cover every byte, each once.
func readSafetensors(b []byte, part string) (*StateDict, error) {
	if part != "" {
		return nil, fmt.Errorf("it has no part %.40q: a safetensors file is one state dict", part)
	}
	if len(b) < 8 {
		return nil, fmt.Errorf("its %d bytes are too few for a safetensors file; get it again", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	switch {
	case n > maxHeader:
		return nil, fmt.Errorf("its safetensors header claims %d bytes, the format's limit is %d", n, maxHeader)
	case n > uint64(len(b)-8):
		return nil, fmt.Errorf("its safetensors header claims %d bytes, the file has %d after the length: it is cut short, or no safetensors file", n, len(b)-8)
	}
	header, data := b[8:8+n], b[8+n:]
	if !utf8.Valid(header) {
		return nil, errors.New("its safetensors header is not UTF-8")
	}
	h, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("its safetensors header: %w", err)
	}
	if err := checkSpans(h.tensors, uint64(len(data))); err != nil {
		return nil, err
	}
	sd := &StateDict{Format: FormatSafetensors, Metadata: h.metadata, Tensors: make([]Tensor, 0, len(h.tensors))}
	for _, t := range h.tensors {
		sd.Tensors = append(sd.Tensors, Tensor{Name: t.name, DType: t.dtype, Shape: t.shape, Data: data[t.begin:t.end:t.end]})
	}
	return sd.validated()
}

// headerTensor is a tensor as a safetensors header describes it: its data are the bytes from begin to end.
type headerTensor struct {
	name       string
	dtype      DType
	shape      []int64
	begin, end uint64
}

// checkSpans returns an error unless the tensors cover the size bytes of data without holes or overlaps.
func checkSpans(tensors []headerTensor, size uint64) error {
	order := make([]*headerTensor, len(tensors))
	for i := range tensors {
		order[i] = &tensors[i]
	}
	slices.SortStableFunc(order, func(x, y *headerTensor) int {
		return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.end, y.end))
	})
	at, before := uint64(0), ""
	for _, t := range order {
		want, err := byteSize(t.shape, t.dtype)
		switch {
		case err != nil:
			return fmt.Errorf("tensor %q: %w", t.name, err)
		case t.begin > t.end:
			return fmt.Errorf("tensor %q: its data begins at byte %d and ends before that, at %d", t.name, t.begin, t.end)
		case t.end > size:
			return fmt.Errorf("tensor %q: its data ends at byte %d, the file has %d bytes of data: it is cut short; get it again", t.name, t.end, size)
		case t.end-t.begin != uint64(want):
			return fmt.Errorf("tensor %q: shape %v of %v takes %d bytes, its data has %d", t.name, t.shape, t.dtype, want, t.end-t.begin)
		case t.begin < at:
			return fmt.Errorf("tensors %q and %q overlap", before, t.name)
		case t.begin > at:
			return fmt.Errorf("the %d bytes of data before tensor %q belong to no tensor", t.begin-at, t.name)
		}
		at, before = t.end, t.name
	}
	if at < size {
		return fmt.Errorf("%d bytes follow the data of the last tensor", size-at)
	}
	return nil
}
