package checkpoint

import "slices"

// DType is the type of a tensor's elements. The zero value is not a type.
type DType uint8

// The types in files of weights, under PyTorch's names.
const (
	Float32 DType = iota + 1
	Float16
	BFloat16
	Float64
	Int64
	Int32
	Int16
	Int8
	Uint8
	Bool
)

type names struct {
	size                       int
	name, storage, safetensors string
}

// dtypes has, for every type, its size in bytes and its names: PyTorch's, PyTorch's storage class and
// safetensors'.
var dtypes = [...]names{
	Float32:  {4, "float32", "FloatStorage", "F32"},
	Float16:  {2, "float16", "HalfStorage", "F16"},
	BFloat16: {2, "bfloat16", "BFloat16Storage", "BF16"},
	Float64:  {8, "float64", "DoubleStorage", "F64"},
	Int64:    {8, "int64", "LongStorage", "I64"},
	Int32:    {4, "int32", "IntStorage", "I32"},
	Int16:    {2, "int16", "ShortStorage", "I16"},
	Int8:     {1, "int8", "CharStorage", "I8"},
	Uint8:    {1, "uint8", "ByteStorage", "U8"},
	Bool:     {1, "bool", "BoolStorage", "BOOL"},
}

// String returns PyTorch's name without "torch.": float32, bfloat16, int64.
func (d DType) String() string {
	if !d.valid() {
		return "no dtype"
	}
	return dtypes[d].name
}

// Size returns the size of an element in bytes, 0 for the zero value.
func (d DType) Size() int {
	if !d.valid() {
		return 0
	}
	return dtypes[d].size
}

func (d DType) valid() bool { return d > 0 && int(d) < len(dtypes) }

// dtypeOfStorage returns the type whose storage class in PyTorch is name, 0 if there is none.
func dtypeOfStorage(name string) DType { return find(func(n names) bool { return n.storage == name }) }

// dtypeOfSafetensors returns the type that safetensors calls name, 0 if there is none.
func dtypeOfSafetensors(name string) DType {
	return find(func(n names) bool { return n.safetensors == name })
}

func find(is func(names) bool) DType {
	return Float32 + DType(slices.IndexFunc(dtypes[Float32:], is)) // 0 for an index of -1
}
