package checkpoint

import (
	"encoding/binary"
	"fmt"
)

// A NonFiniteError says that weights hold NaN or infinite values.
type NonFiniteError struct {
	Tensor string // the first one with such values
	Values int    // number of NaN or infinite values in all tensors
}

func (e *NonFiniteError) Error() string {
	if e.Values == 1 {
		return fmt.Sprintf("a value of the weights is NaN or infinite, in %q: the training that made them broke down; take weights from before", e.Tensor)
	}
	return fmt.Sprintf("%d values of the weights are NaN or infinite, the first in %q: the training that made them broke down; take weights from before", e.Values, e.Tensor)
}

// CheckFinite returns a [*NonFiniteError] for weights with a NaN or an infinity, which would spread to everything
// that a network computes.
func (sd *StateDict) CheckFinite() error {
	var e NonFiniteError
	for _, t := range sd.Tensors {
		n := t.nonFinite()
		if n > 0 && e.Values == 0 {
			e.Tensor = t.Name
		}
		e.Values += n
	}
	if e.Values > 0 {
		return &e
	}
	return nil
}

// nonFinite counts the values whose exponent bits are all set: NaNs and infinities.
func (t Tensor) nonFinite() (n int) {
	le := binary.LittleEndian
	switch t.DType {
	case Float32:
		const exponent = 0xff << 23
		for b := t.Data; len(b) >= 4; b = b[4:] {
			if le.Uint32(b)&exponent == exponent {
				n++
			}
		}
	case Float64:
		const exponent = 0x7ff << 52
		for b := t.Data; len(b) >= 8; b = b[8:] {
			if le.Uint64(b)&exponent == exponent {
				n++
			}
		}
	case Float16, BFloat16:
		exponent := uint16(0x1f << 10)
		if t.DType == BFloat16 {
			exponent = 0xff << 7
		}
		for b := t.Data; len(b) >= 2; b = b[2:] {
			if le.Uint16(b)&exponent == exponent {
				n++
			}
		}
	}
	return n
}
