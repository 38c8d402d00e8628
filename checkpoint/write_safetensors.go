package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// WriteSafetensors writes sd to path, all or nothing, as EncodeSafetensors does.
func WriteSafetensors(path string, sd *StateDict) error {
	return writeFile(path, func(w io.Writer) error { return EncodeSafetensors(w, sd) })
}

// EncodeSafetensors writes sd's tensors and metadata in the format of safetensors. The same state dict gives the same
// bytes: the header keeps the order of the tensors and sorts the metadata. The data of types with larger elements
// comes first, so that every tensor is aligned when the file is mapped into memory. The format cannot hold Parameter
// and RequiresGrad.
func EncodeSafetensors(w io.Writer, sd *StateDict) error {
	head, order, err := safetensorsHeader(sd)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, i := range order {
		if _, err := w.Write(sd.Tensors[i].Data); err != nil {
			return err
		}
	}
	return nil
}

// safetensorsHeader returns the header, and the order in which the tensors' data follow it.
func safetensorsHeader(sd *StateDict) (head []byte, order []int, err error) {
	if err := sd.validate(); err != nil {
		return nil, nil, err
	}
	order = make([]int, len(sd.Tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return sd.Tensors[j].DType.Size() - sd.Tensors[i].DType.Size() })
	begin, at := make([]int, len(order)), 0
	for _, i := range order {
		begin[i] = at
		at += len(sd.Tensors[i].Data)
	}

	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	if len(sd.Metadata) > 0 {
		for k, v := range sd.Metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, nil, fmt.Errorf("the metadata %q is not UTF-8", k)
			}
		}
		b.WriteString(`"__metadata__":`)
		b.Write(plainJSON(sd.Metadata))
		if len(sd.Tensors) > 0 {
			b.WriteByte(',')
		}
	}
	for i, t := range sd.Tensors {
		if t.Name == "__metadata__" {
			return nil, nil, fmt.Errorf("safetensors keeps the name %q for itself", t.Name)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		shape := t.Shape
		if shape == nil {
			shape = []int64{} // null is not a shape
		}
		fmt.Fprintf(&b, `%s:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, plainJSON(t.Name), dtypes[t.DType].safetensors,
			plainJSON(shape), begin[i], begin[i]+len(t.Data))
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	head = b.Bytes()
	if len(head)-8 > maxHeader {
		return nil, nil, fmt.Errorf("the header would have %d bytes, the limit of safetensors is %d", len(head)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(head, uint64(len(head)-8))
	return head, order, nil
}

// plainJSON encodes strings, slices of integers and maps of strings, sorted by key and without the escapes for HTML.
// Encoding these cannot fail.
func plainJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
