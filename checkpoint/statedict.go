package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Tensor is an entry of a state dict.
type Tensor struct {
	Name  string
	DType DType
	Shape []int64 // empty for a 0-d tensor, which has one element
	// Data holds the elements, contiguous and little-endian. After a read it may share memory with other
	// tensors (tied weights do in PyTorch too) and with the buffer that holds the whole file, where it
	// need not be aligned.
	Data []byte
	// Parameter is set for a torch.nn.Parameter, as in old files of torchvision, and not for a plain tensor, which
	// Module.state_dict returns today. Safetensors makes no such distinction.
	Parameter bool
	// RequiresGrad is the file's value; in most files it is set only for parameters.
	RequiresGrad bool
}

// StateDict is an ordered list of tensors.
type StateDict struct {
	// Tensors are in the file's order, which is the model's in files that PyTorch wrote.
	Tensors []Tensor
	// Metadata is safetensors' __metadata__; nil in other formats.
	Metadata map[string]string
	// Format is the format that Read found, one of the Format constants. Writers ignore it.
	Format string
	// Wrapper has the keys that lead to the state dict in the file, with dots between them, such as "state_dict" for
	// {"epoch": 3, "state_dict": …}; empty if the file is the state dict itself. Writers ignore it.
	Wrapper string
}

// Values of StateDict.Format.
const (
	FormatPTH         = "pth (zip)"
	FormatLegacy      = "pth (legacy, before PyTorch 1.6)"
	FormatSafetensors = "safetensors"
)

// Get returns the tensor of that name.
func (sd *StateDict) Get(name string) (Tensor, bool) {
	for _, t := range sd.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// SHA256 returns a digest of the names, types, shapes and values, in order; it depends neither on the
// format nor on the metadata. It is the SHA-256 of, for every tensor: its name in UTF-8, a zero byte, its
// type's name (float32), a zero byte, its sizes in decimal with commas between them (64,3,7,7; nothing for
// 0-d), a zero byte, its Data.
func (sd *StateDict) SHA256() [sha256.Size]byte {
	h := sha256.New()
	for _, t := range sd.Tensors {
		t.hashInto(h)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (t Tensor) hashInto(h hash.Hash) {
	head := append([]byte(t.Name), 0)
	head = append(append(head, t.DType.String()...), 0)
	for i, n := range t.Shape {
		if i > 0 {
			head = append(head, ',')
		}
		head = strconv.AppendInt(head, n, 10)
	}
	h.Write(append(head, 0))
	h.Write(t.Data)
}

// validated returns sd if it is sound, else an error.
func (sd *StateDict) validated() (*StateDict, error) {
	if err := sd.validate(); err != nil {
		return nil, err
	}
	return sd, nil
}

// validate returns an error if sd cannot be written, or should not be returned to a caller.
func (sd *StateDict) validate() error {
	seen := make(map[string]struct{}, len(sd.Tensors))
	for _, t := range sd.Tensors {
		if err := validName(t.Name); err != nil {
			return err
		}
		if _, ok := seen[t.Name]; ok {
			return fmt.Errorf("there are two tensors named %q", t.Name)
		}
		seen[t.Name] = struct{}{}
		if err := t.validate(); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

func (t Tensor) validate() error {
	if !t.DType.valid() {
		return errors.New("it has no dtype")
	}
	n, err := byteSize(t.Shape, t.DType)
	if err != nil {
		return err
	}
	if n != int64(len(t.Data)) {
		return fmt.Errorf("shape %v of %v takes %d bytes, it has %d", t.Shape, t.DType, n, len(t.Data))
	}
	if t.DType == Bool { // libtorch reads a byte other than 0 and 1 as a C++ bool: undefined
		if i := bytes.IndexFunc(t.Data, func(r rune) bool { return r > 1 }); i >= 0 {
			return fmt.Errorf("byte %d of a bool tensor is %d, not 0 or 1", i, t.Data[i])
		}
	}
	return nil
}

// validName refuses names that no module has and that would spoil a log or a terminal.
func validName(name string) error {
	switch {
	case name == "":
		return errors.New("a tensor has an empty name")
	case !utf8.ValidString(name):
		return fmt.Errorf("the tensor name %q is not UTF-8", name)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Errorf("the tensor name %q has a control character in it", name)
		}
	}
	return nil
}
