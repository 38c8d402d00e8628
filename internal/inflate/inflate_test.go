package inflate_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"hymenoptera/internal/inflate"
)

// compressed returns data as a zlib stream.
func compressed(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decompress reads up to most bytes of a stream in pieces of step bytes.
func decompress(t testing.TB, src []byte, step, most int) (out []byte, ended bool, err error) {
	t.Helper()
	r, err := inflate.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for len(out) < most {
		dst := make([]byte, step)
		taken, written, end, err := r.Read(dst, src[:min(step, len(src))])
		if err != nil {
			return out, false, err
		}
		if taken < 0 || taken > len(src) || written < 0 || written > step {
			t.Fatalf("took %d of %d bytes, wrote %d of %d", taken, len(src), written, step)
		}
		src, out = src[taken:], append(out, dst[:written]...)
		if end || taken == 0 && written == 0 {
			return out, end, nil
		}
	}
	return out, false, nil
}

// FuzzRead compares with Go's own decompressor if that reads the stream to its end.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"", "a", "abababababababababab", string(bytes.Repeat([]byte("hymenoptera "), 1000))} {
		f.Add(compressed(f, []byte(text)), uint16(7))
	}
	f.Fuzz(func(t *testing.T, src []byte, step uint16) {
		const most = 1 << 18
		got, ended, err := decompress(t, src, int(step)+1, most)
		z, zerr := zlib.NewReader(bytes.NewReader(src))
		if zerr != nil {
			return
		}
		want, zerr := io.ReadAll(io.LimitReader(z, most))
		if zerr == nil && len(want) < most && (err != nil || !ended || !bytes.Equal(got, want)) {
			t.Errorf("got %d bytes, ended %v, error %v; Go's reader has %d", len(got), ended, err, len(want))
		}
	})
}
