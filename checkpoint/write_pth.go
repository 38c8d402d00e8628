package checkpoint

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// WritePTH writes sd to path, all or nothing, in PyTorch's zip format: torch.load(weights_only=True) returns an
// OrderedDict of tensors, with a Parameter for each one that is one in sd. The same state dict gives the same bytes.
// The format cannot hold Metadata, and WritePTH writes at most 4 GiB.
func WritePTH(path string, sd *StateDict) error {
	if err := sd.validate(); err != nil {
		return fmt.Errorf("checkpoint: write %s: %w", path, err)
	}
	z := zipWriter{}
	z.add("data.pkl", pickleStateDict(sd))
	z.add("byteorder", []byte("little"))
	for i, t := range sd.Tensors {
		z.add("data/"+strconv.Itoa(i), t.Data)
	}
	z.add("version", []byte("3\n")) // caffe2::serialize::kProducedFileFormatVersion
	if z.end > none32-lenEnd || len(z.members) >= none16 {
		return fmt.Errorf("checkpoint: write %s: its %d tensors and %d bytes are more than a zip file takes: write safetensors",
			path, len(sd.Tensors), z.end)
	}
	return writeFile(path, z.write)
}

// pickler writes pickles of protocol 2.
type pickler struct {
	b    []byte
	memo map[string]byte // values that a BINPUT has stored
}

// pickleStateDict pickles sd as an OrderedDict whose i-th tensor has storage i.
func pickleStateDict(sd *StateDict) []byte {
	p := &pickler{b: []byte{opProto, 2}, memo: map[string]byte{}}
	p.emptyOrderedDict()
	p.op(opMark)
	for i, t := range sd.Tensors {
		p.text(t.Name)
		p.tensor(t, i)
	}
	p.op(opSetItems, opStop)
	return p.b
}

func (p *pickler) tensor(t Tensor, key int) {
	floating := t.DType == Float32 || t.DType == Float16 || t.DType == BFloat16 || t.DType == Float64
	requiresGrad := t.RequiresGrad && floating // PyTorch has no gradients of integers
	if t.Parameter {
		p.global(rebuildParameter)
		p.op(opMark)
	}
	p.global(rebuildTensorV2)
	p.op(opMark, opMark)
	p.keep("storage")
	p.global(global{"torch", dtypes[t.DType].storage})
	p.text(strconv.Itoa(key))
	p.keep("cpu")
	p.int(int64(len(t.Data) / t.DType.Size()))
	p.op(opTuple, opBinPersID)
	p.int(0)
	p.ints(t.Shape)
	p.ints(contiguousStrides(t.Shape))
	p.bool(requiresGrad && !t.Parameter)
	p.emptyOrderedDict()
	p.op(opTuple, opReduce)
	if t.Parameter {
		p.bool(requiresGrad)
		p.emptyOrderedDict()
		p.op(opTuple, opReduce)
	}
}

// contiguousStrides returns the strides that PyTorch gives a new tensor; a size of 0 counts as 1 in them.
func contiguousStrides(shape []int64) []int64 {
	strides := make([]int64, len(shape))
	step := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= max(shape[i], 1)
	}
	return strides
}

func (p *pickler) op(ops ...byte) { p.b = append(p.b, ops...) }

func (p *pickler) text(s string) {
	p.b = append(binary.LittleEndian.AppendUint32(append(p.b, opBinUnicode), uint32(len(s))), s...)
}

// again writes a reference to the value with this name; it returns false if there is none.
func (p *pickler) again(name string) bool {
	i, ok := p.memo[name]
	if ok {
		p.op(opBinGet, i)
	}
	return ok
}

// remember stores the last value under a name; there are fewer than 256 such values.
func (p *pickler) remember(name string) {
	i := byte(len(p.memo))
	p.memo[name] = i
	p.op(opBinPut, i)
}

func (p *pickler) keep(s string) {
	if !p.again(s) {
		p.text(s)
		p.remember(s)
	}
}

func (p *pickler) global(g global) {
	if !p.again(g.String()) {
		p.b = append(p.b, string(opGlobal)+g.module+"\n"+g.name+"\n"...)
		p.remember(g.String())
	}
}

func (p *pickler) emptyOrderedDict() {
	p.global(orderedDict)
	p.op(opEmptyTuple, opReduce)
}

func (p *pickler) bool(v bool) {
	if v {
		p.op(opNewTrue)
	} else {
		p.op(opNewFalse)
	}
}

func (p *pickler) int(n int64) {
	switch {
	case n < 1<<8:
		p.op(opBinInt1, byte(n))
	case n < 1<<16:
		p.b = binary.LittleEndian.AppendUint16(append(p.b, opBinInt2), uint16(n))
	case n < 1<<31:
		p.b = binary.LittleEndian.AppendUint32(append(p.b, opBinInt), uint32(n))
	default:
		p.b = binary.LittleEndian.AppendUint64(append(p.b, opLong1, 8), uint64(n))
	}
}

func (p *pickler) ints(ns []int64) {
	p.op(opMark)
	for _, n := range ns {
		p.int(n)
	}
	p.op(opTuple)
}
