package checkpoint

import (
	"crypto/sha256"
	"fmt"
)

// A Report is Inspect's description of a file of weights. Its JSON form is what `hymenoptera inspect --json` prints.
type Report struct {
	Path     string            `json:"path"`
	Format   string            `json:"format"`
	Size     int64             `json:"size"`   // bytes of the file
	SHA256   string            `json:"sha256"` // of the file, in hex; torchvision's names end in its first 8 digits
	Wrapper  string            `json:"wrapper,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Values   string            `json:"values_sha256"` // StateDict.SHA256: the same in every format
	Elements int64             `json:"elements"`      // of all tensors
	Bytes    int64             `json:"bytes"`         // of all tensors
	// NonFinite counts the values that are NaN or infinite.
	NonFinite int            `json:"non_finite"`
	Tensors   []TensorReport `json:"tensors"`
}

// TensorReport is a tensor of a Report.
type TensorReport struct {
	Name         string  `json:"name"`
	DType        string  `json:"dtype"`
	Shape        []int64 `json:"shape"` // [] for a 0-d tensor
	Elements     int64   `json:"elements"`
	Parameter    bool    `json:"parameter"`
	RequiresGrad bool    `json:"requires_grad"`
	NonFinite    int     `json:"non_finite"` // values that are NaN or infinite
	SHA256       string  `json:"sha256"`     // of its bytes, in hex
}

// Inspect reads a file as Read does, refuses the same files, and describes the file.
func Inspect(name string) (*Report, error) {
	path, part := Split(name)
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	r := &Report{Path: path, Size: int64(len(data)), SHA256: hexSum(data), Tensors: []TensorReport{}}
	sd, err := parse(data, part) // after the sum: it may put strided tensors in order in place
	if err != nil {
		return nil, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	r.Format, r.Wrapper, r.Metadata, r.Values = sd.Format, sd.Wrapper, sd.Metadata, fmt.Sprintf("%x", sd.SHA256())
	for _, t := range sd.Tensors {
		n, bad := int64(len(t.Data)/t.DType.Size()), t.nonFinite()
		r.Tensors = append(r.Tensors, TensorReport{
			Name: t.Name, DType: t.DType.String(), Shape: append([]int64{}, t.Shape...), Elements: n,
			Parameter: t.Parameter, RequiresGrad: t.RequiresGrad, NonFinite: bad, SHA256: hexSum(t.Data),
		})
		r.NonFinite += bad
		r.Elements += n
		r.Bytes += int64(len(t.Data))
	}
	return r, nil
}

func hexSum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
