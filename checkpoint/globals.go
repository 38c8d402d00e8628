package checkpoint

import (
	"slices"
	"strings"
)

// The globals that state dicts name. PyTorch calls them; here each is a case in reduce, newObject or a
// persistent ID.
var (
	orderedDict      = global{"collections", "OrderedDict"}
	rebuildTensor    = global{"torch._utils", "_rebuild_tensor"}
	rebuildTensorV2  = global{"torch._utils", "_rebuild_tensor_v2"}
	rebuildParameter = global{"torch._utils", "_rebuild_parameter"}
	parameterClass   = global{"torch.nn.parameter", "Parameter"}
	sizeClass        = global{"torch", "Size"}
)

var calledGlobals = []global{orderedDict, rebuildTensor, rebuildTensorV2, rebuildParameter, parameterClass, sizeClass}

// allowedGlobal tells whether state dicts name g: one that is called, a storage or tensor class of a type
// that dtype.go knows (torch.FloatStorage, torch.FloatTensor), or a dtype (torch.float32).
func allowedGlobal(g global) bool {
	return slices.Contains(calledGlobals, g) || storageDType(g) != 0 ||
		g.module == "torch" && (isDType(g.name) || tensorClass(g.name))
}

// storageDType returns the type of a storage class, 0 for every other global.
func storageDType(g global) DType {
	if g.module != "torch" && g.module != "torch.cuda" { // torch.cuda in files saved on a GPU
		return 0
	}
	return dtypeOfStorage(g.name)
}

func tensorClass(name string) bool {
	kind, ok := strings.CutSuffix(name, "Tensor")
	return ok && dtypeOfStorage(kind+"Storage") != 0
}

func isDType(name string) bool {
	for d := Float32; d.valid(); d++ {
		if d.String() == name {
			return true
		}
	}
	return false
}

// global reads the names of a global and refuses it unless state dicts name it.
func (m *machine) global() {
	g := global{m.line(), m.line()}
	if allowedGlobal(g) {
		m.charge(32)
		m.push(g)
		return
	}
	switch next := m.data[m.pos:]; {
	case isModel(g, next):
		m.fail("global %v at byte %d is not allowed: this is a whole pickled model, whose code PyTorch would run; "+
			"load it in Python where that code is and save its weights with torch.save(model.state_dict(), FILE)", g, m.op)
	case strings.HasPrefix(g.module, "torch") && (strings.HasSuffix(g.name, "Storage") || strings.HasPrefix(g.name, "_rebuild_")):
		m.fail("global %v at byte %d is not supported: this reader takes dense tensors of types that image classifiers use", g, m.op)
	case strings.HasPrefix(g.module, "numpy"):
		m.fail("global %v at byte %d is not allowed: this file holds numpy values beside its tensors; "+
			"save the state dict alone with torch.save(model.state_dict(), FILE)", g, m.op)
	}
	m.fail("global %v at byte %d is not allowed: this file would run code in PyTorch", g, m.op)
}

// isModel tells whether a global that is not allowed is the class of a pickled model: a class of
// PyTorch's or torchvision's, or one that the pickle goes on to make an object of without arguments.
func isModel(g global, next []byte) bool {
	if strings.HasPrefix(g.module, "torch.nn.") || strings.HasPrefix(g.module, "torchvision.") {
		return true
	}
	if len(next) > 2 && next[0] == opBinPut {
		next = next[2:]
	} else if len(next) > 5 && next[0] == opLongBinPut {
		next = next[5:]
	}
	return len(next) > 1 && next[0] == opEmptyTuple && next[1] == opNewObj
}
