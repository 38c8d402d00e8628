// Package checkpoint reads and writes state dicts: the named tensors of a model, as PyTorch keeps them on
// disk.
//
//	sd, err := checkpoint.Read("resnet18-f37072fd.pth")
//	if err != nil {
//		return err
//	}
//	w, ok := sd.Get("fc.weight") // w.Shape is [1000 512], w.Data its little-endian bytes
//
// [Read] recognises the format by the content, never by the name: the zip format of PyTorch 1.6 and later, the legacy
// format before it (a magic number, then pickles), or safetensors. [WritePTH] writes the first of these,
// [WriteSafetensors] the last.
//
// It does not interpret pickles in general: a machine with a list of allowed opcodes and globals reads state dicts
// and refuses everything else, naming it, so that no file runs code. It checks every size, offset and stride before it
// uses it, and refuses a file that is cut short or has a byte too many. Reading takes as much memory as the file is
// large, and at most 64 MiB more.
//
// Tensors are bytes here. The package is pure Go and does not use libtorch.
package checkpoint
