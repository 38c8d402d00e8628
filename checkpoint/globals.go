package checkpoint

import (
	"bytes"
	"slices"
	"strings"
)

// The globals that torch.load(weights_only=True) allows: _get_allowed_globals in torch/_weights_only_unpickler.py.
// PyTorch calls them; here each is a case in reduce or a persistent ID.
var (
	orderedDict               = global{"collections", "OrderedDict"}
	counterClass              = global{"collections", "Counter"}
	sizeClass                 = global{"torch", "Size"}
	tensorBase                = global{"torch", "Tensor"}
	parameterClass            = global{"torch.nn.parameter", "Parameter"}
	rebuildTensor             = global{"torch._utils", "_rebuild_tensor"}
	rebuildTensorV2           = global{"torch._utils", "_rebuild_tensor_v2"}
	rebuildParameter          = global{"torch._utils", "_rebuild_parameter"}
	rebuildParameterWithState = global{"torch._utils", "_rebuild_parameter_with_state"}
	rebuildFromType           = global{"torch._tensor", "_rebuild_from_type_v2"}
)

var calledGlobals = []global{
	orderedDict, counterClass, sizeClass, tensorBase,
	parameterClass, rebuildTensor, rebuildTensorV2, rebuildParameter, rebuildParameterWithState, rebuildFromType,
}

// otherValues describes values that no network needs, by the global that PyTorch makes them with.
var otherValues = map[global]string{
	{"builtins", "set"}: "a set", {"builtins", "bytearray"}: "a bytearray", {"builtins", "complex"}: "a complex number",
	{"_codecs", "encode"}: "bytes", {"torch", "device"}: "a torch.device", {"torch.serialization", "_get_layout"}: "a torch.layout",
}

// otherTensors describes tensors that no network here takes, by the global of torch._utils that PyTorch makes them with.
var otherTensors = map[string]string{
	"_rebuild_tensor_v3":                     "a tensor of a type that PyTorch has no storage class for",
	"_rebuild_qtensor":                       "a quantized tensor",
	"_rebuild_sparse_tensor":                 "a sparse tensor",
	"_rebuild_meta_tensor_no_storage":        "a tensor without data",
	"_rebuild_nested_tensor":                 "a nested tensor",
	"_rebuild_wrapper_subclass":              "a tensor of a class of its own",
	"_rebuild_device_tensor_from_numpy":      "a tensor of another device",
	"_rebuild_device_tensor_from_cpu_tensor": "a tensor of another device",
}

// otherStorages has the storage classes whose elements no network here takes, and the size of an element in bytes.
var otherStorages = map[string]int{
	"ComplexFloatStorage": 8, "ComplexDoubleStorage": 16,
	"QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4, "QUInt4x2Storage": 1, "QUInt2x4Storage": 1,
	"UntypedStorage": 1, "TypedStorage": 1,
}

// otherConstants are globals of module torch that are neither called nor classes: dtypes that no network here takes,
// and ways to quantize.
var otherConstants = []string{
	"complex32", "complex64", "complex128", "qint8", "qint32", "quint8", "quint4x2", "quint2x4",
	"uint16", "uint32", "uint64", "uint1", "uint2", "uint3", "uint4", "uint5", "uint6", "uint7",
	"int1", "int2", "int3", "int4", "int5", "int6", "int7",
	"float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2",
	"bits8", "bits16", "bits1x8", "bits2x4", "bits4x2",
	"per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric", "per_channel_affine_float_qparams",
}

// allowedGlobal reports whether torch.load(weights_only=True) allows g.
func allowedGlobal(g global) bool {
	switch g.module {
	case "torch._utils":
		if otherTensors[g.name] != "" {
			return true
		}
	case "torch":
		if isDType(g.name) || slices.Contains(otherConstants, g.name) {
			return true
		}
		fallthrough
	case "torch.cuda", "torch.sparse", "torch.cuda.sparse":
		if tensorClass(g.name) {
			return true
		}
	}
	return slices.Contains(calledGlobals, g) || otherValues[g] != "" || storageDType(g) != 0 || otherStorage(g) > 0
}

// storageDType returns the type of a storage class, 0 for every other global.
func storageDType(g global) DType {
	if g.module != "torch" && g.module != "torch.cuda" { // torch.cuda in files saved on a GPU
		return 0
	}
	return dtypeOfStorage(g.name)
}

// otherStorage returns the size of an element of a class in otherStorages, 0 for every other global.
func otherStorage(g global) int {
	if g.module != "torch" && g.module != "torch.cuda" && g.module != "torch.storage" {
		return 0
	}
	return otherStorages[g.name]
}

func tensorClass(name string) bool {
	kind, ok := strings.CutSuffix(name, "Tensor")
	return ok && dtypeOfStorage(kind+"Storage") != 0
}

func isDType(name string) bool { return find(func(n names) bool { return n.name == name }) != 0 }

// global reads the names of a global and refuses it unless PyTorch allows it.
func (m *machine) global() {
	g := global{m.line(), m.line()}
	if g.module == "__builtin__" { // the name in Python 2, which protocol 2 keeps
		g.module = "builtins"
	}
	if allowedGlobal(g) {
		m.charge(32)
		m.push(g)
		return
	}
	next := m.data[m.pos:]
	switch {
	case m.isModel(g, next):
		m.fail("global %v at byte %d is not allowed: this is a whole pickled model, whose code PyTorch would run; "+
			"load it in Python where that code is and save its weights with torch.save(model.state_dict(), FILE)", g, m.op)
	case isObject(g, next):
		m.fail("global %v at byte %d is not allowed: %s, which Python alone can make; "+
			"if you trust the file, load it there and save only the weights with %s", g, m.op, m.whose(g), m.saving())
	}
	m.fail("global %v at byte %d is not allowed: this file would run code in PyTorch", g, m.op)
}

// whose says where in the file an object of class g is: under which key, if that is known.
func (m *machine) whose(g global) string {
	if len(m.stack) > 0 {
		if key, ok := m.stack[len(m.stack)-1].(string); ok {
			return quote(key) + " is an object of " + g.String()
		}
	}
	return "the file holds an object of " + g.String()
}

// saving returns the Python code that saves only the state dict of the file, with its keys if they have been read already.
func (m *machine) saving() string {
	path := "torch.load(FILE, weights_only=False)"
	for i := 1; i < len(m.stack); i++ {
		key, ok := m.stack[i-1].(string)
		d, ok2 := m.stack[i].(*dict)
		switch {
		case !ok || !ok2:
		case isStateDict(d):
			return "torch.save(" + path + "[" + quote(key) + "], NEW)"
		case slices.Contains(m.marks, i+1): // its items are being read
			path += "[" + quote(key) + "]"
		}
	}
	return "torch.save(" + path + "[KEY], NEW), where KEY is that of the state dict"
}

// isModel reports whether a global that is not allowed is the class of a pickled model: a class of PyTorch's or
// torchvision's, or one that the pickle begins with or whose object has a model's attributes.
func (m *machine) isModel(g global, next []byte) bool {
	const near = 512
	return strings.HasPrefix(g.module, "torch.nn.") || strings.HasPrefix(g.module, "torchvision.models.") ||
		makesObject(next) && (len(m.stack) == 0 && len(m.marks) == 0 || bytes.Contains(next[:min(len(next), near)], []byte("_parameters")))
}

// dataModules have classes of values that people keep beside weights. Python makes such values by a call.
var dataModules = []string{"argparse", "pathlib", "numpy", "datetime", "collections", "decimal", "fractions", "uuid", "enum", "copyreg", "copy_reg",
	"omegaconf", "torchvision", "easydict", "yacs"}

// isObject reports whether a global that is not allowed is the class of a value beside the weights.
func isObject(g global, next []byte) bool {
	top, _, _ := strings.Cut(g.module, ".")
	return slices.Contains(dataModules, top) && !strings.Contains(g.name, ".") || makesObject(next)
}

// makesObject reports whether a pickle that continues with next makes an object without arguments.
func makesObject(next []byte) bool {
	if len(next) > 2 && next[0] == opBinPut {
		next = next[2:]
	} else if len(next) > 5 && next[0] == opLongBinPut {
		next = next[5:]
	}
	return len(next) > 1 && next[0] == opEmptyTuple && next[1] == opNewObj
}
