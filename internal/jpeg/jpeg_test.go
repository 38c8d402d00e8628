package jpeg

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testdata has pictures of every kind, which scripts/make_fixtures.py writes.
const testdata = "../../dataset/testdata"

// A golden is Pillow's result for one of the JPEG files.
type golden struct {
	File          string
	Width, Height int
	SHA256        string // of the RGB bytes
	Error         string // Pillow's, where it fails
}

func goldens(t testing.TB) (list []golden) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, "images.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(g golden) bool { return !bytes.HasPrefix(read(t, g.File), []byte("\xff\xd8\xff")) })
	if len(list) < 24 {
		t.Fatalf("only %d JPEG files", len(list))
	}
	return list
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, "images", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newDecoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// decode returns a region's pixels, R, G, B.
func decode(d *Decoder, data []byte, region func(Info) image.Rectangle) ([]byte, Info, error) {
	info, err := d.Header(data)
	if err != nil {
		return nil, info, err
	}
	want := region(info)
	r := d.Cover(want)
	if !want.In(r) {
		return nil, info, fmt.Errorf("%v does not cover %v", r, want)
	}
	stride := 4*r.Dx() + 12
	buf := bytes.Repeat([]byte{0xa5}, stride*r.Dy())
	if err := d.Decode(context.Background(), buf, stride, data, r); err != nil {
		return nil, info, err
	}
	var pix []byte
	for y := range r.Dy() {
		row := buf[y*stride:][:stride]
		if !bytes.Equal(row[4*r.Dx():], bytes.Repeat([]byte{0xa5}, 12)) {
			return nil, info, errors.New("wrote beyond the region")
		}
		if y += r.Min.Y; y < want.Min.Y || y >= want.Max.Y {
			continue
		}
		for x := want.Min.X; x < want.Max.X; x++ {
			pix = append(pix, row[4*(x-r.Min.X):][:3]...)
		}
	}
	return pix, info, nil
}

func TestDecodeIsPillows(t *testing.T) {
	d := newDecoder(t) // one for all: an error must leave nothing behind
	for range 2 {
		for _, want := range goldens(t) {
			pix, info, err := decode(d, read(t, want.File), Info.Bounds)
			if want.Error != "" {
				if err == nil {
					t.Errorf("%s: no error, Pillow has %s", want.File, want.Error)
				}
				if strings.Contains(want.Error, "truncated") && !errors.Is(err, ErrTruncated) {
					t.Errorf("%s: got %v, want %v", want.File, err, ErrTruncated)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", want.File, err)
				continue
			}
			sum := sha256.Sum256(pix)
			if got := hex.EncodeToString(sum[:]); info.Width != want.Width || info.Height != want.Height || got != want.SHA256 {
				t.Errorf("%s: got %d×%d, %s, want %d×%d, %s", want.File, info.Width, info.Height, got, want.Width, want.Height, want.SHA256)
			}
		}
	}
}

// TestRegions compares random regions with crops of the whole picture.
func TestRegions(t *testing.T) {
	d := newDecoder(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, g := range goldens(t) {
		if g.Error != "" {
			continue
		}
		data := read(t, g.File)
		whole, _, err := decode(d, data, Info.Bounds)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			x0, y0 := rng.IntN(g.Width), rng.IntN(g.Height)
			r := image.Rect(x0, y0, x0+1+rng.IntN(g.Width-x0), y0+1+rng.IntN(g.Height-y0))
			got, _, err := decode(d, data, func(Info) image.Rectangle { return r })
			if err != nil {
				t.Fatalf("%s, %v: %v", g.File, r, err)
			}
			var want []byte
			for y := r.Min.Y; y < r.Max.Y; y++ {
				want = append(want, whole[3*(y*g.Width+r.Min.X):3*(y*g.Width+r.Max.X)]...)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s: region %v differs from the crop", g.File, r)
			}
		}
	}
}

// TestTruncated cuts files everywhere: a region is refused when the whole picture is.
func TestTruncated(t *testing.T) {
	d := newDecoder(t)
	corner := func(i Info) image.Rectangle { return image.Rect(0, 0, min(8, i.Width), min(2, i.Height)) }
	for _, name := range []string{"444.jpg", "420.jpg", "restarts.jpg", "progressive.jpg", "grey.jpg"} {
		data := read(t, name)
		for n := 0; n < len(data); n += 1 + n/200 {
			_, _, whole := decode(d, data[:n], Info.Bounds)
			_, _, part := decode(d, data[:n], corner)
			if whole == nil || part == nil {
				t.Errorf("%s, %d of %d bytes: got %v for the whole, %v for a corner, want errors", name, n, len(data), whole, part)
			}
		}
	}
}

func TestWarning(t *testing.T) {
	d := newDecoder(t)
	for name, want := range map[string]bool{"444.jpg": false, "truncated-ended.jpg": true} {
		if _, _, err := decode(d, read(t, name), Info.Bounds); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if first, n := d.Warning(); (n > 0) != want || (first != "") != want {
			t.Errorf("%s: got %d warnings, %q", name, n, first)
		}
	}
}

func TestBombs(t *testing.T) {
	d := newDecoder(t)
	huge := bytes.Clone(read(t, "444.jpg"))
	i := bytes.Index(huge, []byte{0xff, 0xc0})
	copy(huge[i+5:], []byte{0xff, 0xdc, 0xff, 0xdc}) // 65500×65500
	if _, err := d.Header(huge); err == nil || !strings.Contains(err.Error(), "bomb") {
		t.Errorf("65500×65500 pixels: got %v", err)
	}
	// A progressive file whose last scan is repeated.
	data := read(t, "progressive-444.jpg")
	last := bytes.LastIndex(data, []byte{0xff, 0xda})
	for last > 0 && !bytes.HasPrefix(data[last:], []byte{0xff, 0xc4}) {
		last--
	}
	scan := data[last : len(data)-2]
	with := func(scans int) []byte {
		return slices.Concat(data[:last], bytes.Repeat(scan, scans), []byte{0xff, 0xd9})
	}
	if _, _, err := decode(d, with(600), Info.Bounds); !errors.Is(err, ErrTooManyScans) {
		t.Errorf("600 scans: got %v, want %v", err, ErrTooManyScans)
	}
	_, info, err := decode(d, with(40), Info.Bounds)
	if err != nil {
		t.Errorf("some 50 scans of a small picture: %v", err)
	}
	d.MaxWork = 20 * int64(info.Width*info.Height)
	if _, _, err := decode(d, with(40), Info.Bounds); !errors.Is(err, ErrTooManyScans) {
		t.Errorf("some 50 scans where 20 are allowed: got %v, want %v", err, ErrTooManyScans)
	}
	if _, _, err := decode(d, data, Info.Bounds); err != nil {
		t.Errorf("the scans that encoders write, where 20 are allowed: %v", err)
	}
}

// A decoder whose context ends stops, in a file of one scan and of several, and decodes the next file.
func TestStop(t *testing.T) {
	d := newDecoder(t)
	for _, name := range []string{"420.jpg", "progressive.jpg"} {
		data := read(t, name)
		info, err := d.Header(data)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		pix := make([]byte, 4*info.Width*info.Height)
		// The flag is set by another goroutine, so a small file may be finished first.
		for range 1000 {
			if err = d.Decode(ctx, pix, 4*info.Width, data, info.Bounds()); err != nil {
				break
			}
			if _, err := d.Header(data); err != nil {
				t.Fatal(err)
			}
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
		if _, _, err := decode(d, data, Info.Bounds); err != nil {
			t.Errorf("%s, afterwards: %v", name, err)
		}
	}
}

func TestMisuse(t *testing.T) {
	d := newDecoder(t)
	data := read(t, "420.jpg")
	buf := make([]byte, 1<<16)
	for name, f := range map[string]func(){
		"no header": func() { d.Decode(context.Background(), buf, 1000, data, image.Rect(0, 0, 1, 1)) },
		"outside":   func() { d.Header(data); d.Decode(context.Background(), buf, 1000, data, image.Rect(0, 0, 68, 1)) },
		"empty":     func() { d.Header(data); d.Decode(context.Background(), buf, 1000, data, image.Rect(3, 3, 3, 4)) },
		"small":     func() { d.Header(data); d.Decode(context.Background(), buf[:200], 268, data, image.Rect(0, 0, 67, 1)) },
		"between":   func() { d.Header(data); d.Decode(context.Background(), buf, 1000, data, image.Rect(3, 0, 9, 1)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	d.Close()
	d.Close() // twice
}

func TestSteadyState(t *testing.T) {
	d := newDecoder(t)
	data := read(t, "420-big.jpg")
	buf := make([]byte, 4*203*155)
	once := func() {
		info, err := d.Header(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(context.Background(), buf, 4*203, data, info.Bounds()); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(50, once); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(read(f, g.File))
	}
	// Inputs with which earlier runs found faults.
	f.Add([]byte("\xff\xd8\xff\xdb\x00C\x000000000000000000000000000000000000000000000000000000000000000000\xff\xdb\x00C\x010000000000000000000000000000000000000000000000000000000000000000\xff\xc0\x00\x11\b00\x000\x03\x011\x00\x021\x01\x031\x01\xff\xda\x00\f\x03\x01\x00\x02\x11\x03\x00000\xff\xc400\x00\x00\x01\x05\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00000000000000"))
	f.Add([]byte("\xff\xd8\xff\xdb\x00C\x000000000000000000000000000000000000000000000000000000000000000000\xff\xdb\x00C\x010000000000000000000000000000000000000000000000000000000000000000\xff\xc0\x00\x11\b\x00 \x000\x03\x011\x00\x022\x01\x03\x11\x01\xff\xda\x00\f\x03\x01\x00\x02\x11\x03\x0000000000000000000000000008Z01B000000000000000000000000727002AB%0VA0000000000000000007ce00\xff0\xff\xd9"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDecoder(t)
		info, err := d.Header(data)
		if err != nil || info.Width*info.Height > 1<<20 {
			return
		}
		whole, _, err := decode(d, data, Info.Bounds)
		r := image.Rect(info.Width/3, info.Height/3, info.Width/3+1, info.Height/3+1)
		part, _, perr := decode(d, data, func(Info) image.Rectangle { return r })
		if err == nil && perr != nil {
			t.Fatalf("a region: %v, but the whole decodes", perr)
		}
		if err == nil && !bytes.Equal(part, whole[3*(r.Min.Y*info.Width+r.Min.X):][:3]) {
			t.Fatal("a region differs from the whole")
		}
	})
}

func Example() {
	data, err := os.ReadFile("../../dataset/testdata/images/420.jpg")
	if err != nil {
		panic(err)
	}
	d, err := NewDecoder()
	if err != nil {
		panic(err)
	}
	defer d.Close()
	info, err := d.Header(data)
	if err != nil {
		panic(err)
	}
	region := d.Cover(image.Rect(20, 10, 30, 20))
	pix := make([]byte, 4*region.Dx()*region.Dy())
	if err := d.Decode(context.Background(), pix, 4*region.Dx(), data, region); err != nil {
		panic(err)
	}
	fmt.Println(info.Width, info.Height, info.Subsampled, region)
	// Output: 67 45 true (0,10)-(48,20)
}
