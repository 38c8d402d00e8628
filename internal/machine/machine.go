// Package machine finds the memory and processors that this process may use: the machine's, or fewer if a control
// group sets a limit, anywhere above the process in the tree of groups (systemd's MemoryMax and CPUQuota, Slurm,
// Docker, Kubernetes; both versions of cgroups). It also finds the names of processor and GPU.
//
//	free := machine.This().FreeMemory()
package machine

import (
	"bufio"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Machine reads the kernel's files.
type Machine struct{ root string }

// This returns the machine that the process runs on.
func This() Machine { return Machine{"/"} }

// FreeMemory returns how many bytes this process may still use, or 0 if unknown. File pages that the kernel may drop
// count as free.
func (m Machine) FreeMemory() int64 {
	free := m.memory("MemAvailable")
	if free == 0 {
		return 0
	}
	for _, g := range m.groups("memory") {
		free = min(free, g.free())
	}
	return max(0, free)
}

// Memory returns how many bytes this process may use in total, or 0 if unknown.
func (m Machine) Memory() int64 {
	all := m.memory("MemTotal")
	for _, g := range m.groups("memory") {
		all = min(all, g.limit())
	}
	return all
}

// Processors returns how many processors this process may use, at least 1. A group's share of 1.5 counts as 2.
func (m Machine) Processors() int {
	n := runtime.NumCPU() // of those that the process may run on
	for _, g := range m.groups("cpu") {
		if share := g.share(); share > 0 {
			n = min(n, int(math.Ceil(share)))
		}
	}
	return max(1, n)
}

// MaxThreads bounds Threads, as OpenMP bounds OMP_NUM_THREADS.
const MaxThreads = 1024

// Threads returns the number of threads for computing: OMP_NUM_THREADS or else GOMAXPROCS, at most MaxThreads, or
// else one per processor.
func (m Machine) Threads() int {
	for _, name := range []string{"OMP_NUM_THREADS", "GOMAXPROCS"} {
		first, _, _ := strings.Cut(os.Getenv(name), ",") // OpenMP takes a list, one per level
		if n, err := strconv.Atoi(strings.TrimSpace(first)); err == nil && n > 0 {
			return min(n, MaxThreads)
		}
	}
	return m.Processors()
}

// Processor returns the name of the processor, or "unknown". On arm64 the kernel gives two numbers instead of a name.
func (m Machine) Processor() string {
	if name := m.named("proc/cpuinfo", "model name"); name != "unknown" {
		return name
	}
	maker, part := m.named("proc/cpuinfo", "CPU implementer"), m.named("proc/cpuinfo", "CPU part")
	switch name := armProcessors[maker+" "+part]; {
	case name != "":
		return name
	case maker == "0x61":
		return "Apple"
	case part != "unknown":
		return "arm64 of implementer " + maker + ", part " + part
	}
	return "unknown"
}

// armProcessors names parts of the register MIDR_EL1, as lscpu does.
var armProcessors = map[string]string{
	"0x41 0xd03": "Cortex-A53", "0x41 0xd05": "Cortex-A55", "0x41 0xd07": "Cortex-A57", "0x41 0xd08": "Cortex-A72",
	"0x41 0xd0b": "Cortex-A76", "0x41 0xd0c": "Neoverse-N1", "0x41 0xd40": "Neoverse-V1", "0x41 0xd41": "Cortex-A78",
	"0x41 0xd42": "Cortex-A78AE", "0x41 0xd49": "Neoverse-N2", "0x41 0xd4f": "Neoverse-V2", "0x41 0xd84": "Neoverse-V3",
	"0x4e 0x004": "Carmel", "0xc0 0xac3": "Ampere-1", "0xc0 0xac4": "Ampere-1a",
}

// NEONBFloat16 reports whether an arm64 processor multiplies bfloat16, by a bit that the kernel gives every process
// (getauxval(3)). An emulator shows the emulated processor here, and not in /proc/cpuinfo.
func (m Machine) NEONBFloat16() bool {
	const hwcap2, bf16 = 26, 1 << 14 // AT_HWCAP2 and HWCAP2_BF16
	pairs := []byte(m.read("proc/self/auxv"))
	for ; len(pairs) >= 16; pairs = pairs[16:] {
		if binary.LittleEndian.Uint64(pairs) == hwcap2 {
			return binary.LittleEndian.Uint64(pairs[8:])&bf16 != 0
		}
	}
	return false
}

// GPU returns the name that NVIDIA's driver gives a GPU, or "" if the driver has no such GPU.
func (m Machine) GPU(index int) string {
	gpus, _ := filepath.Glob(filepath.Join(m.root, "proc/driver/nvidia/gpus/*/information"))
	if index < 0 || index >= len(gpus) {
		return ""
	}
	path, err := filepath.Rel(m.root, gpus[index])
	if err != nil {
		return ""
	}
	return m.named(path, "Model")
}

// NVIDIA reports whether NVIDIA's driver is loaded.
func (m Machine) NVIDIA() bool { return m.read("proc/driver/nvidia/version") != "" }

// named returns the value of a "name : value" line of a file, or "unknown".
func (m Machine) named(path, name string) string {
	for line := range strings.Lines(m.read(path)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// PeakMemory returns the peak memory of this process in bytes, or 0 if unknown.
func PeakMemory() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Maxrss) * 1024
}

// Own returns the memory in a line of /proc/self/status, in bytes, or 0 if there is no such line.
func (m Machine) Own(name string) int64 { return m.bytes("proc/self/status", name) }

// memory returns the memory in a line of /proc/meminfo, in bytes, or 0.
func (m Machine) memory(name string) int64 { return m.bytes("proc/meminfo", name) }

// bytes returns the memory in a line of a file, which has it in kB, or 0.
func (m Machine) bytes(path, name string) int64 {
	kilobytes, _, _ := strings.Cut(m.values(path, ":")[name], " ")
	n, _ := strconv.ParseInt(kilobytes, 10, 64)
	return n * 1024
}

// values reads a file whose lines are names and values.
func (m Machine) values(path, separator string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(m.read(path)) {
		if name, value, found := strings.Cut(line, separator); found {
			values[name] = strings.TrimSpace(value)
		}
	}
	return values
}

// read returns a file's content, or "".
func (m Machine) read(path string) string {
	data, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		return ""
	}
	return string(data)
}

// A group is a folder of the tree of control groups.
type group struct {
	m    Machine
	path string // under the machine's root
	v2   bool
}

// groups returns the groups that limit memory or cpu of this process: its own and those above it.
func (m Machine) groups(controller string) (groups []group) {
	lines := bufio.NewScanner(strings.NewReader(m.read("proc/self/cgroup")))
	for lines.Scan() {
		// hierarchy:controllers:path (cgroups(7)); the second version has neither number nor controllers.
		_, rest, _ := strings.Cut(lines.Text(), ":")
		names, path, found := strings.Cut(rest, ":")
		if !found || names != "" && !contains(names, controller) {
			continue
		}
		mount, root, found := m.mount(controller, names == "")
		if !found {
			continue
		}
		// In a container without a namespace of its own the mount shows a part of the tree.
		path = strings.TrimPrefix(path, strings.TrimSuffix(root, "/"))
		for path = filepath.Clean("/" + path); ; path = filepath.Dir(path) {
			groups = append(groups, group{m, filepath.Join(mount, path), names == ""})
			if path == "/" {
				break
			}
		}
	}
	return groups
}

// mount returns the mount point of a hierarchy, and which part of it is mounted (proc_pid_mountinfo(5)).
func (m Machine) mount(controller string, v2 bool) (at, root string, found bool) {
	for line := range strings.Lines(m.read("proc/self/mountinfo")) {
		fields, rest, _ := strings.Cut(line, " - ")
		f, kind := strings.Fields(fields), strings.Fields(rest)
		if len(f) < 5 || len(kind) < 3 {
			continue
		}
		if v2 && kind[0] == "cgroup2" || !v2 && kind[0] == "cgroup" && contains(kind[2], controller) {
			return f[4], f[3], true
		}
	}
	return "", "", false
}

// contains reports whether a comma-separated list has a name.
func contains(list, name string) bool { return strings.Contains(","+list+",", ","+name+",") }

// limit returns the bytes that the group may use, or the largest number.
func (g group) limit() int64 {
	name := "memory.limit_in_bytes"
	if g.v2 {
		name = "memory.max"
	}
	return g.number(name, math.MaxInt64)
}

// free returns the bytes of its limit that are not used.
func (g group) free() int64 {
	limit := g.limit()
	if limit == math.MaxInt64 {
		return limit
	}
	used, files := "memory.usage_in_bytes", "total_inactive_file"
	if g.v2 {
		used, files = "memory.current", "inactive_file"
	}
	droppable, _ := strconv.ParseInt(g.m.values(filepath.Join(g.path, "memory.stat"), " ")[files], 10, 64)
	return limit - g.number(used, 0) + droppable
}

// share returns how many processors the group may use, such as 1.5, or 0 if it has no limit.
func (g group) share() float64 {
	if g.v2 {
		quota, period, _ := strings.Cut(strings.TrimSpace(g.m.read(filepath.Join(g.path, "cpu.max"))), " ")
		q, err := strconv.ParseFloat(quota, 64)
		p, perr := strconv.ParseFloat(period, 64)
		if err != nil || perr != nil || p <= 0 { // "max"
			return 0
		}
		return q / p
	}
	quota, period := g.number("cpu.cfs_quota_us", -1), g.number("cpu.cfs_period_us", 0)
	if quota <= 0 || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// number reads the number in a file. It returns otherwise if there is none, as in "max".
func (g group) number(name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(g.m.read(filepath.Join(g.path, name))), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}
