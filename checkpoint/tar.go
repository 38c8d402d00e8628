package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The units of a tar file (POSIX.1-1988, ustar): Python's tarfile fills the last record up with zeros.
const (
	tarBlock  = 512
	tarRecord = 20 * tarBlock
)

// readTarFile returns the files in a tar archive by name. It takes plain files under plain names, with
// extended headers that say nothing about size or name, as Python's tarfile wrote them for PyTorch.
func readTarFile(b []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	for pos := 0; ; {
		if len(b)-pos < tarBlock {
			return nil, fmt.Errorf("it is cut short: the tar archive has no end, the file stops at byte %d; get it again", len(b))
		}
		h := b[pos : pos+tarBlock]
		if allZero(h) {
			if !allZero(b[pos:]) {
				return nil, fmt.Errorf("bytes other than zero follow the end of the tar archive at byte %d", pos)
			}
			switch whole := (pos + 2*tarBlock + tarRecord - 1) / tarRecord * tarRecord; {
			case len(b) < whole:
				return nil, fmt.Errorf("it is cut short within the end of the tar archive: it has %d bytes of %d; get it again", len(b), whole)
			case len(b) > whole:
				return nil, fmt.Errorf("%d bytes follow the end of the tar archive", len(b)-whole)
			}
			return files, nil
		}
		name, size, kind, err := tarHeader(h)
		if err != nil {
			return nil, fmt.Errorf("the tar header at byte %d: %w", pos, err)
		}
		pos += tarBlock
		if size > int64(len(b)-pos) {
			return nil, fmt.Errorf("it is cut short: its member %q ends at byte %d, the file has %d bytes; get it again", name, int64(pos)+size, len(b))
		}
		data := b[pos : pos+int(size) : pos+int(size)]
		switch _, twice := files[name]; {
		case kind == 'x':
			if err := checkPax(data); err != nil {
				return nil, fmt.Errorf("the extended tar header at byte %d: %w", pos, err)
			}
		case kind != '0' && kind != 0:
			return nil, fmt.Errorf("the tar member %q is of kind %q, not a plain file", name, kind)
		case strings.HasPrefix(name, "/"):
			return nil, fmt.Errorf("the tar member %q has an absolute name", name)
		case slices.Contains(strings.Split(name, "/"), ".."):
			return nil, fmt.Errorf("the tar member %q has a name with .. in it", name)
		case twice:
			return nil, fmt.Errorf("two tar members have the name %q", name)
		case len(files) == 4:
			return nil, fmt.Errorf("the tar member %q is one more than the four of PyTorch's", name)
		default:
			files[name] = data
		}
		pos += int(size)
		padding := -pos & (tarBlock - 1)
		if padding > len(b)-pos {
			return nil, fmt.Errorf("it is cut short behind its member %q, at byte %d; get it again", name, len(b))
		}
		if !allZero(b[pos : pos+padding]) {
			return nil, fmt.Errorf("bytes other than zero fill up the tar member %q", name)
		}
		pos += padding
	}
}

// tarredWeights returns the name of the first file of weights that was packed into a tar archive.
func tarredWeights(b []byte) string {
	for pos := 0; len(b)-pos >= tarBlock; {
		name, size, kind, err := tarHeader(b[pos : pos+tarBlock])
		if err != nil || size > int64(len(b)-pos-tarBlock) {
			return ""
		}
		if (kind == '0' || kind == 0) && isWeightsName(name) {
			return name
		}
		pos += tarBlock + (int(size)+tarBlock-1)/tarBlock*tarBlock
	}
	return ""
}

// tarHeader reads a header block.
func tarHeader(h []byte) (name string, size int64, kind byte, err error) {
	sum := int64(0)
	for i, c := range h {
		if i >= 148 && i < 156 { // the checksum itself counts as spaces
			c = ' '
		}
		sum += int64(c)
	}
	if want, err := octal(h[148:156]); err != nil || want != sum {
		return "", 0, 0, errors.New("its checksum is wrong: the file is damaged or no tar archive; get it again")
	}
	if size, err = octal(h[124:136]); err != nil {
		return "", 0, 0, fmt.Errorf("its size is no octal number: %w", err)
	}
	if string(h[257:262]) != "ustar" {
		return "", 0, 0, errors.New("it is of another kind than ustar")
	}
	name = cString(h[:100])
	if prefix := cString(h[345:500]); prefix != "" {
		name = prefix + "/" + name
	}
	return name, size, h[156], nil
}

// checkPax refuses extended headers that change the member behind them: records "LENGTH KEY=VALUE\n".
func checkPax(b []byte) error {
	for len(b) > 0 {
		digits, _, ok := bytes.Cut(b[:min(len(b), 20)], []byte(" "))
		n, err := strconv.Atoi(string(digits))
		if !ok || err != nil || n <= len(digits)+1 || n > len(b) || b[n-1] != '\n' {
			return errors.New("it has no sound records")
		}
		key, _, _ := bytes.Cut(b[len(digits)+1:n], []byte("="))
		switch string(key) {
		case "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment":
		default:
			return fmt.Errorf("it sets %.40q, which PyTorch's files do not", key)
		}
		b = b[n:]
	}
	return nil
}

// octal reads a number of a tar header: octal digits that end with a space or a zero byte.
func octal(b []byte) (int64, error) {
	n, err := strconv.ParseUint(strings.Trim(cString(b), " "), 8, 62)
	return int64(n), err
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
