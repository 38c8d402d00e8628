package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

// headroom is how much memory reading may take beyond the file's size.
const headroom = 64 << 20

// allocatedBy returns the bytes that f allocates in all, freed or not.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// pthOf returns a zip file with that pickle and one storage with that data.
func pthOf(t testing.TB, pickle, data []byte) []byte {
	t.Helper()
	z := zipWriter{}
	z.add("data.pkl", pickle)
	z.add("data/0", data)
	var b bytes.Buffer
	if err := z.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func repeated(s string, n int) string { return strings.Repeat(s, n) }

// greedyPickles ask for as much as they can get with few bytes.
func greedyPickles() map[string]string {
	var puts, puts2, keys, strs, tuples strings.Builder
	for i := range 300_000 {
		puts.WriteString("N" + string(binary.LittleEndian.AppendUint32([]byte{opLongBinPut}, uint32(i))))
		puts2.WriteString("N" + string(binary.LittleEndian.AppendUint32([]byte{opLongBinPut}, uint32(i)*2654435761)))
		keys.WriteString("J" + string(binary.LittleEndian.AppendUint32(nil, uint32(i))) + "N")
		strs.WriteString("X\x08\x00\x00\x00" + fmt.Sprintf("%08d", i) + "]")
		tuples.WriteString("]\x85")
	}
	args := "(ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00(" +
		repeated("K\x01", 64) + "tq\x01h\x01\x89Ntq\x02"
	return map[string]string{
		"lists":         repeated("]", 2<<20),
		"dicts":         repeated("}", 2<<20),
		"empty tuples":  repeated(")", 2<<20),
		"tuples":        tuples.String(),
		"pairs":         repeated("NN\x86", 1<<20),
		"integers":      repeated("J\xff\xff\xff\x7f", 1<<20),
		"a long tuple":  "(" + repeated("N", 4<<20) + "t",
		"a long list":   "](" + repeated("N", 4<<20) + "e",
		"long lists":    repeated("](NNNNNNNNe", 1<<19),
		"appends":       "]" + repeated("Na", 2<<20),
		"memo":          puts.String(),
		"a spread memo": puts2.String(),
		"keys":          "}(" + keys.String() + "u",
		"small dicts":   repeated("}K\x00Ns", 1<<19),
		"strings":       "}(" + strs.String() + "u",
		"long strings":  repeated("X\x00\x00\x10\x00"+repeated("s", 1<<20), 40),
		"globals":       repeated("ctorch\nSize\n", 1<<19),
		"tensors":       args + repeated("ctorch._utils\n_rebuild_tensor_v2\nh\x02R", 1<<18),
	}
}

func TestGreedyPicklesAreStopped(t *testing.T) {
	for name, pickle := range greedyPickles() {
		t.Run(name, func(t *testing.T) {
			file := pthOf(t, []byte("\x80\x02"+pickle+"."), make([]byte, 4))
			path := t.TempDir() + "/greedy.pth"
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
			var err error
			got := allocatedBy(func() { _, err = Read(path) })
			if err == nil || !strings.Contains(err.Error(), "the pickle has asked for more than") {
				t.Errorf("error %.200v", err)
			}
			t.Logf("%d bytes, %.1f MiB beside them", len(file), float64(int(got)-len(file))/(1<<20))
			if limit := uint64(len(file) + headroom); got > limit {
				t.Errorf("reading %d bytes allocated %d, limit %d", len(file), got, limit)
			}
		})
	}
}

// The pickle machine accepts files with long paths to state dicts: 90 nested dicts under a name of 1 MiB, and
// as many dicts as the budget allows under names of 190 bytes.
func TestLongWaysTakeLittleMemory(t *testing.T) {
	var parts strings.Builder
	for i := range 25_000 {
		parts.WriteString("X\xbe\x00\x00\x00" + fmt.Sprintf("%0190d", i) + "}")
	}
	for name, pickle := range map[string]string{
		"deep": "}X\x00\x00\x10\x00" + repeated("s", 1<<20) + "q\x00" + repeated("}h\x00", 90) + "N" + repeated("s", 91),
		"wide": "}(" + parts.String() + "u",
	} {
		file := pthOf(t, []byte("\x80\x02"+pickle+"."), make([]byte, 4))
		var err error
		got := allocatedBy(func() { _, err = Parse(file) })
		if err == nil || !strings.Contains(err.Error(), "no state dict among its values") || got > headroom {
			t.Errorf("%s: allocated %d, limit %d, error %.200v", name, got, headroom, err)
		}
		t.Logf("%s: %d bytes, %.1f MiB beside them", name, len(file), float64(got)/(1<<20))
	}
}

func TestGreedyHeadersAreStopped(t *testing.T) {
	var names, metadata, wide strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&names, `"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
		fmt.Fprintf(&metadata, `"%d":"",`, i)
		fmt.Fprintf(&wide, `"%d":{"dtype":"U8","shape":[%s0],"data_offsets":[0,0]},`, i, repeated("1,", 63))
	}
	for name, header := range map[string]string{
		"tensors":      "{" + strings.TrimSuffix(names.String(), ",") + "}",
		"wide tensors": "{" + strings.TrimSuffix(wide.String(), ",") + "}",
		"metadata":     `{"__metadata__":{` + strings.TrimSuffix(metadata.String(), ",") + "}}",
		"a string":     `{"__metadata__":{"a":"` + repeated("x", 30<<20) + `"}}`,
		"escapes":      `{"__metadata__":{"a":"` + repeated(`\u0001`, 5<<20) + `"}}`,
		"a name":       `{"` + repeated("x", 20<<20) + `":{"dtype":"U8"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
			var err error
			got := allocatedBy(func() { _, err = Parse(file) }) // the file itself is not in it
			if err == nil || len(err.Error()) > 1<<10 {
				t.Errorf("error %.200v", err)
			}
			t.Logf("%d bytes, %.1f MiB beside them", len(file), float64(got)/(1<<20))
			if got > headroom {
				t.Errorf("parsing %d bytes allocated %d, limit %d", len(file), got, headroom)
			}
		})
	}
}

// These files come close to the limits.
func TestMemoryAtTheLimits(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("{")
	for i := range 70_000 {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
	}
	b.WriteString("}")
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(b.Len())), b.Bytes()...)
	var err error
	if got := allocatedBy(func() { _, err = Parse(file) }); err != nil || got > headroom {
		t.Errorf("70,000 tensors: allocated %d, limit %d, error %v", got, headroom, err)
	}

	// A view of every second element of a storage of 10,000,000 floats, 20 MB, beside 60,000 empty lists.
	pickle := "\x80\x02}(X\x01\x00\x00\x00m}(X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n" +
		"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ" + string(binary.LittleEndian.AppendUint32(nil, 10_000_000)) + "tQK\x00J" +
		string(binary.LittleEndian.AppendUint32(nil, 5_000_000)) + "\x85K\x02\x85\x89NtRu" +
		"X\x01\x00\x00\x00l](" + repeated("]", 60_000) + "eu."
	file = pthOf(t, []byte(pickle), make([]byte, 40_000_000))
	if got := allocatedBy(func() { _, err = Parse(file) }); err != nil || got > headroom {
		t.Errorf("a strided tensor of 20 MB: allocated %d, limit %d, error %v", got, headroom, err)
	}
}

// shrunk is a file that ends early, as if it were cut while it is read.
type shrunk struct{ io.ReaderAt }

func (s shrunk) ReadAt(b []byte, at int64) (int, error) {
	if at > 0 {
		return 0, io.EOF
	}
	return s.ReaderAt.ReadAt(b, at)
}

func TestReadParts(t *testing.T) {
	want := make([]byte, 5<<20+3)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	got := make([]byte, len(want))
	if err := readParts(bytes.NewReader(want), got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("error %v, or other bytes", err)
	}
	if err := readParts(shrunk{bytes.NewReader(want)}, got); runtime.GOMAXPROCS(0) > 1 && err == nil {
		t.Error("a part that is missing is not noticed")
	}
}
