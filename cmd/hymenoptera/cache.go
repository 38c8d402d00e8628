package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/serve"
	"hymenoptera/torch"
)

// cache returns where the decoded images stay from epoch to epoch, or nil. With -v it says how much memory they
// may take.
func (o options) cache(m *messages) (*dataset.Cache, error) {
	bytes, err := o.cacheBytes()
	if err != nil || bytes == 0 || o.readOnce() {
		return nil, err
	}
	if o.Cache == "auto" {
		m.debug("decoded images stay in memory, up to %.1f GB: a quarter of what is free (--cache)", float64(bytes)/1e9)
	}
	return dataset.NewCache(bytes), nil
}

// readOnce reports whether the training reads every picture once.
func (o options) readOnce() bool { return o.Epochs == 1 || o.Probe && o.Views <= 1 }

// cacheBytes returns what --cache allows.
func (o options) cacheBytes() (int64, error) {
	switch o.Cache {
	case "off":
		return 0, nil
	case "auto":
		return freeMemory() / 4, nil
	}
	bytes, ok := parseBytes(o.Cache)
	if !ok {
		return 0, usageError{fmt.Errorf("--cache %q: want auto, off, or a size as 500M or 2G", o.Cache)}
	}
	return bytes, nil
}

// residentBytes returns how much of the GPU's memory decoded images may take.
func (j *job) residentBytes() (int64, error) {
	free := torch.MemoryOf(j.device).Free
	bytes := free / 4
	if j.Cache != "auto" {
		var err error
		if bytes, err = j.cacheBytes(); err != nil {
			return 0, err
		}
	}
	bytes = min(bytes, free/2) // the training needs some
	j.messages.debug("decoded images stay on the GPU where they fit into %.1f GB (--cache)", float64(bytes)/1e9)
	return bytes, nil
}

// freeMemory returns how many bytes this process may still take: what the machine has, or a container allows; 0
// where that cannot be told. Of what a container uses, pages of files are left out that the kernel may drop.
func freeMemory() int64 {
	var kilobytes int64
	if _, err := fmt.Sscanf(colonValue("/proc/meminfo", "MemAvailable"), "%d kB", &kilobytes); err != nil {
		return 0
	}
	free := kilobytes * 1024
	for _, c := range []struct{ limit, used, stat, files string }{
		{"memory.max", "memory.current", "memory.stat", "inactive_file"},
		{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"}, // cgroups' first version
	} {
		const groups = "/sys/fs/cgroup/"
		limit, limited := number(groups + c.limit)
		used, known := number(groups + c.used)
		if limited && known {
			free = max(0, min(free, limit-used+valueOf(groups+c.stat, c.files)))
		}
	}
	return free
}

// requestMemory returns what serve may take for requests: a quarter of what the machine has, or its container may have.
func requestMemory() int64 {
	var kilobytes int64
	if _, err := fmt.Sscanf(colonValue("/proc/meminfo", "MemTotal"), "%d kB", &kilobytes); err != nil {
		return serve.DefaultConfig().Memory
	}
	all := kilobytes * 1024
	for _, limit := range []string{"memory.max", "memory/memory.limit_in_bytes"} {
		if n, limited := number("/sys/fs/cgroup/" + limit); limited {
			all = min(all, n)
		}
	}
	return all / 4
}

// valueOf returns the number behind a name in a file whose lines are names and numbers, or 0.
func valueOf(path, name string) (n int64) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return n
}

// number reads a file that holds one; "max" is none.
func number(path string) (int64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}
