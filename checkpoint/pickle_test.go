package checkpoint

import (
	"math"
	"slices"
	"testing"
)

// Values that Python's files in testdata do not have, each checked against pickletools and pickle.loads.
func TestPickleValues(t *testing.T) {
	for _, test := range []struct {
		pickle string
		want   value
	}{
		{"N", none{}},
		{"\x88", true},
		{"\x89", false},
		{"J\xfe\xff\xff\xff", int64(-2)},
		{"M\x01\x02", int64(0x201)},
		{"\x8a\x00", int64(0)},
		{"\x8a\x01\xff", int64(-1)},
		{"\x8a\x02\xff\x00", int64(255)},
		{"\x8a\x05\x00\x00\x00\x00\x01", int64(1 << 32)},
		{"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80", int64(math.MinInt64)},
		{"G\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5},
		{"X\x02\x00\x00\x00\xc3\xa9", "é"},
		{"U\x05fc.wb", "fc.wb"},
		{"T\x02\x00\x00\x00fc", "fc"},
		{"ctorch\nbfloat16\n", global{"torch", "bfloat16"}},
		{"ctorch.cuda\nHalfStorage\n", global{"torch.cuda", "HalfStorage"}},
	} {
		m := machine{data: []byte("\x80\x02" + test.pickle + ".more")}
		got, err := m.next()
		if err != nil || got != test.want {
			t.Errorf("%q: got %v (%v), want %v", test.pickle, got, err, test.want)
		}
		if rest := string(m.data[m.pos:]); rest != "more" {
			t.Errorf("%q: %q is left", test.pickle, rest)
		}
	}
}

func TestPickleSize(t *testing.T) {
	// torch.Size([2, 3]), stored once and fetched with BINGET and LONG_BINGET, in a list.
	m := machine{data: []byte("\x80\x02]ctorch\nSize\nK\x02K\x03\x86\x85Rq\x05ah\x05aj\x05\x00\x00\x00a.")}
	v, err := m.next()
	if err != nil {
		t.Fatal(err)
	}
	items := v.(*list).items
	if len(items) != 3 || !slices.Equal(items[0].(*tuple).items, []value{int64(2), int64(3)}) || items[1] != items[0] || items[2] != items[0] {
		t.Errorf("got %v", items)
	}
}

// PyTorch before 0.4 called _rebuild_tensor, and Python 2 wrote its strings as SHORT_BINSTRING.
func TestOldestRebuild(t *testing.T) {
	pickle := "\x80\x02}U\x01wctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nIntStorage\nU\x010U\x03cpuK\x02tQK\x00K\x02\x85K\x01\x85tRs."
	sd, err := Parse(pthOf(t, []byte(pickle), []byte{1, 0, 0, 0, 2, 0, 0, 0}))
	if err != nil {
		t.Fatal(err)
	}
	if w, ok := sd.Get("w"); !ok || w.DType != Int32 || !slices.Equal(w.Shape, []int64{2}) || string(w.Data) != "\x01\x00\x00\x00\x02\x00\x00\x00" {
		t.Errorf("got %+v", sd.Tensors)
	}
}

func TestShapes(t *testing.T) {
	for _, test := range []struct {
		shape []int64
		want  int64 // -1: refused
	}{
		{nil, 1}, {[]int64{0}, 0}, {[]int64{2, 3}, 6}, {[]int64{1 << 62, 1}, 1 << 62}, {[]int64{1 << 62, 2}, -1},
		{[]int64{1 << 62, 2, 0}, -1}, {[]int64{-1}, -1}, {[]int64{0, -1}, -1}, {make([]int64, maxDims+1), -1},
		{[]int64{math.MaxInt64}, math.MaxInt64}, {[]int64{math.MinInt64}, -1},
	} {
		got, err := elements(test.shape)
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("%v: got %d (%v), want %d", test.shape, got, err, test.want)
		}
	}
}
