package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// sniffLen is how many bytes of a file show its format.
const sniffLen = 512

// legacyMagic is the pickle that opens a legacy file: torch.serialization.MAGIC_NUMBER in protocol 2.
const legacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// isLegacy reports whether head begins a legacy file, which may say protocol 3: the magic number is the same in both.
func isLegacy(head []byte) bool {
	magic := []byte(legacyMagic)
	if len(head) > 1 && head[1] == 3 {
		magic[1] = 3
	}
	return bytes.HasPrefix(head, magic) || len(head) < len(magic) && bytes.HasPrefix(magic, head)
}

// lfsSize finds the size of the real file in a git-lfs pointer.
var lfsSize = regexp.MustCompile(`(?m)^size (\d+)$`)

// others are files that people take for weights.
var others = []struct{ magic, what string }{
	{"\x1f\x8b", "it is compressed with gzip: unpack it with gunzip first, or tar -xzf where it is an archive"},
	{"\xfd7zXZ\x00", "it is compressed with xz: unpack it with unxz first"},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd: unpack it with unzstd first"},
	{"BZh", "it is compressed with bzip2: unpack it with bunzip2 first"},
	{"\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes: this program takes PyTorch's weights and safetensors"},
	{"GGUF", "it is a GGUF file, for language models: this program takes PyTorch's weights and safetensors"},
	{"\x93NUMPY", "it is a numpy array: this program takes PyTorch's weights and safetensors"},
	{"\xff\xd8\xff", "it is a JPEG image, not weights"},
	{"\x89PNG", "it is a PNG image, not weights"},
	{"\x7fELF", "it is a program, not weights"},
}

// sniff returns the reader for a file of that size that begins with head.
func sniff(head []byte, size int64) (func(data []byte, part string) (*StateDict, error), error) {
	text := bytes.ToLower(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"))
	isJSON := len(head) > 8 && bytes.HasPrefix(bytes.TrimLeft(head[8:], jsonSpace), []byte("{"))
	switch {
	case isJSON && binary.LittleEndian.Uint64(head) <= maxHeader: // first, as the length may look like the beginning of other formats
		return readSafetensors, nil
	case size == 0:
		return nil, errors.New("it is empty: what made it, a download or a copy, did not finish; get it again")
	case bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")):
		what := "the weights"
		if m := lfsSize.FindSubmatch(head); m != nil {
			if n, err := strconv.ParseUint(string(m[1]), 10, 63); err == nil {
				what = fmt.Sprintf("the %d bytes of weights", n)
			}
		}
		return nil, fmt.Errorf("it is a git-lfs pointer that stands for %s: fetch them with git lfs pull", what)
	case bytes.HasPrefix(text, []byte("<!doctype html")), bytes.HasPrefix(text, []byte("<html")),
		bytes.HasPrefix(text, []byte("<head")), bytes.HasPrefix(text, []byte("<?xml")), bytes.HasPrefix(text, []byte("<!--")):
		return nil, errors.New("it is a web page saved under the name of a file of weights: " +
			"the address it came from is wrong, or asks for a login; open the file to see what the page says, then download again")
	case bytes.HasPrefix(head, []byte("PK")):
		return readZip, nil
	case isLegacy(head):
		return readLegacy, nil
	case len(head) == sniffLen && string(head[257:262]) == "ustar":
		return refuseTar, nil
	case len(head) > 1 && head[0] == opProto && head[1] <= 5:
		return nil, errors.New("it is a pickle that torch.save did not write, or not with its own pickle_protocol: save the state dict with torch.save(model.state_dict(), FILE)")
	case isJSON:
		return readSafetensors, nil
	}
	for _, o := range others {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return nil, errors.New(o.what)
		}
	}
	if len(bytes.TrimRight(head, "\t\r\n")) > 0 && !bytes.ContainsFunc(head, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0xfffd }) {
		return nil, fmt.Errorf("it is text, not weights; it begins %.60q", head)
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return nil, errors.New("it begins with nothing but zero bytes: what made it, a download or a copy, did not finish; get it again")
	}
	return nil, fmt.Errorf("it is neither a file of PyTorch's nor safetensors: it begins with the bytes % x", head[:min(len(head), 8)])
}
