package machine

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// files writes a machine's files.
func files(t *testing.T, content map[string]string) Machine {
	t.Helper()
	root := t.TempDir()
	for name, text := range content {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return Machine{root}
}

const (
	meminfo = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"
	mountV2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1 = "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
)

// Limits are found in every format of cgroups(7), as systemd, Slurm and Docker write them, at any depth of the tree.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name             string
		files            map[string]string
		free, all, procs int64 // processors: 0 for those of this machine
	}{
		{"no groups", map[string]string{"proc/meminfo": meminfo}, 8000000 << 10, 16000000 << 10, 0},
		{"no limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/user.slice/memory.max": "max\n", "sys/fs/cgroup/user.slice/memory.current": "5\n", "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
		}, 8000000 << 10, 16000000 << 10, 0},
		{"systemd's MemoryMax and CPUQuota on the slice above", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice/run-1.scope\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/user.slice/run-1.scope/memory.max": "max\n",
			"sys/fs/cgroup/user.slice/memory.max":             "943718400\n", "sys/fs/cgroup/user.slice/memory.current": "100000000\n",
			"sys/fs/cgroup/user.slice/memory.stat": "anon 1\ninactive_file 30000000\nactive_file 7\n",
			"sys/fs/cgroup/user.slice/cpu.max":     "50000 100000\n",
		}, 943718400 - 100000000 + 30000000, 943718400, 1},
		{"Slurm, first version", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/slurm/uid_1/job_2/step_0\n2:cpu,cpuacct:/slurm/uid_1\n0::/\n", "proc/self/mountinfo": mountV1 + mountV2,
			"sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.limit_in_bytes": "2000000000\n", "sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.usage_in_bytes": "500000000\n",
			"sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.stat":     "total_inactive_file 1000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":             "9223372036854771712\n",
			"sys/fs/cgroup/cpu,cpuacct/slurm/uid_1/cpu.cfs_quota_us": "10000\n", "sys/fs/cgroup/cpu,cpuacct/slurm/uid_1/cpu.cfs_period_us": "100000\n",
		}, 1500001000, 2000000000, 1},
		{"Docker without a namespace: the mount shows a part of the tree", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/docker/abc\n",
			"proc/self/mountinfo":                              "32 31 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":       "1000000000\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":       "200000000\n",
			"sys/fs/cgroup/memory/docker/abc/memory.max":       "1\n",
			"sys/fs/cgroup/memory/docker/memory.limit_in_byte": "1\n",
		}, 800000000, 1000000000, 0},
		{"more used than allowed", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/memory.max": "1000\n", "sys/fs/cgroup/memory.current": "2000\n",
		}, 0, 1000, 0},
		{"nothing", nil, 0, 0, 0},
	} {
		m := files(t, tt.files)
		procs := int(tt.procs)
		if procs == 0 {
			procs = runtime.NumCPU()
		}
		if free, all, n := m.FreeMemory(), m.Memory(), m.Processors(); free != tt.free || all != tt.all || n != procs {
			t.Errorf("%s: got %d bytes free of %d and %d processors, want %d, %d and %d", tt.name, free, all, n, tt.free, tt.all, procs)
		}
	}
}

// The environment comes first, as for PyTorch and Go.
func TestThreads(t *testing.T) {
	m := files(t, nil)
	for _, tt := range []struct {
		omp, procs string
		want       int
	}{{"", "", runtime.NumCPU()}, {"3", "", 3}, {"3,2", "5", 3}, {"", "5", 5}, {"x", "0", runtime.NumCPU()}, {"-1", "7", 7}, {"999999", "", MaxThreads}} {
		t.Setenv("OMP_NUM_THREADS", tt.omp)
		t.Setenv("GOMAXPROCS", tt.procs)
		if got := m.Threads(); got != tt.want {
			t.Errorf("OMP_NUM_THREADS=%s GOMAXPROCS=%s: got %d threads, want %d", tt.omp, tt.procs, got, tt.want)
		}
	}
}

// On this machine the limits are sensible.
func TestThis(t *testing.T) {
	m := This()
	if free, all := m.FreeMemory(), m.Memory(); free <= 0 || all < free || m.Processors() < 1 {
		t.Errorf("%d bytes free of %d, %d processors", free, all, m.Processors())
	}
}

func TestNames(t *testing.T) {
	m := files(t, map[string]string{
		"proc/cpuinfo": "processor\t: 0\nmodel name\t: A fast one: 2 GHz\n",
		"proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H100\nIRQ: 1\n",
		"proc/driver/nvidia/version":                       "NVRM version: 1\n",
	})
	if m.Processor() != "A fast one: 2 GHz" || m.GPU(0) != "NVIDIA H100" || m.GPU(1) != "" || m.GPU(-1) != "" || !m.NVIDIA() {
		t.Errorf("got %q, %q, %q, %v", m.Processor(), m.GPU(0), m.GPU(1), m.NVIDIA())
	}
	if m := files(t, nil); m.Processor() != "unknown" || m.GPU(0) != "" || m.NVIDIA() {
		t.Errorf("without files: got %q, %q, %v", m.Processor(), m.GPU(0), m.NVIDIA())
	}
	for _, tt := range []struct{ cpuinfo, want string }{ // of a Graviton 2, a container on a Mac, and one that no table has
		{"processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n", "Neoverse-N1"},
		{"CPU implementer\t: 0x61\nCPU part\t: 0x000\n", "Apple"},
		{"CPU implementer\t: 0x99\nCPU part\t: 0x001\n", "arm64 of implementer 0x99, part 0x001"},
	} {
		if got := files(t, map[string]string{"proc/cpuinfo": tt.cpuinfo}).Processor(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if PeakMemory() <= 0 {
		t.Error("no peak memory")
	}
}

// The bit is HWCAP2_BF16 of Linux's uapi/asm/hwcap.h for arm64.
func TestNEONBFloat16(t *testing.T) {
	pairs := func(values ...uint64) string {
		var b []byte
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return string(b)
	}
	for _, tt := range []struct {
		auxv string
		want bool
	}{
		{pairs(16, 1<<14, 26, 1<<14, 0, 0), true},
		{pairs(16, 1<<14, 26, 1<<13, 0, 0), false},
		{pairs(16, 1<<14, 0, 0), false},
		{pairs(26, 1<<14)[:15], false},
		{"", false},
	} {
		if got := files(t, map[string]string{"proc/self/auxv": tt.auxv}).NEONBFloat16(); got != tt.want {
			t.Errorf("% x: got %v, want %v", tt.auxv, got, tt.want)
		}
	}
}
