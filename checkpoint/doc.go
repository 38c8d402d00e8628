// Package checkpoint reads and writes state dicts: the named tensors of a model, as PyTorch keeps them on
// disk.
//
//	sd, err := checkpoint.Read("resnet18-f37072fd.pth")
//	if err != nil {
//		return err
//	}
//	w, ok := sd.Get("fc.weight") // w.Shape is [1000 512], w.Data its little-endian bytes
//
// [Read] tells by the content, never by the name, which of three formats a file has: the zip format of
// PyTorch 1.6 and later, the legacy format before it (a magic number, then pickles), and safetensors. [WritePTH]
// and [WriteSafetensors] write the first and the last of them.
//
// It is no pickle interpreter: a machine with a list of allowed opcodes and globals reads state dicts and
// refuses everything else by name, so that no file runs code. Every size, offset and stride of a file is
// checked before it is used; a file that is cut short, or that has a byte too many, is refused. Reading
// takes the size of the file and at most 64 MiB more.
//
// It is no tensor library either: tensors are bytes here. The package is pure Go and knows nothing of
// libtorch.
package checkpoint
