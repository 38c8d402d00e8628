// Ckptconvert reads a file of weights with package checkpoint and writes it in another format, for
// scripts/parity_files.py:
//
//	ckptconvert IN OUT.pth|OUT.safetensors     prints the digest of the values
//	ckptconvert IN                             prints the report of checkpoint.Inspect as JSON
//	ckptconvert -time N IN                     reads it N times; prints the milliseconds each took and the
//	                                           largest heap in bytes
//	ckptconvert -list                          reads paths on standard input; prints a JSON object for each, with
//	                                           the digest or the error, for scripts/parity_fuzz.py
//
// It is not part of the hymenoptera command.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"hymenoptera/checkpoint"
)

func main() {
	times := flag.Int("time", 0, "read the file this many times and time it")
	list := flag.Bool("list", false, "read the files named on standard input")
	flag.Parse()
	err := error(nil)
	if *list {
		err = digests(os.Stdin, os.Stdout)
	} else {
		err = run(*times, flag.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ckptconvert:", err)
		os.Exit(1)
	}
}

func run(times int, args []string) error {
	switch {
	case times > 0 && len(args) == 1:
		return measure(times, args[0])
	case len(args) == 1:
		r, err := checkpoint.Inspect(args[0])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	case len(args) != 2:
		return errors.New("usage: ckptconvert [-time N] IN [OUT]")
	}
	sd, err := checkpoint.Read(args[0])
	if err != nil {
		return err
	}
	write := checkpoint.WritePTH
	if strings.HasSuffix(args[1], ".safetensors") {
		write = checkpoint.WriteSafetensors
	}
	if err := write(args[1], sd); err != nil {
		return err
	}
	_, err = fmt.Printf("%x\n", sd.SHA256())
	return err
}

// digests prints the digest or the error of each file.
func digests(paths io.Reader, out io.Writer) error {
	lines, results := bufio.NewScanner(paths), json.NewEncoder(out)
	for lines.Scan() {
		var o struct{ SHA256, Error string }
		if sd, err := checkpoint.Read(lines.Text()); err != nil {
			o.Error = err.Error()
		} else {
			o.SHA256 = fmt.Sprintf("%x", sd.SHA256())
		}
		if err := results.Encode(o); err != nil {
			return err
		}
	}
	return lines.Err()
}

// measure prints a JSON object: ms, the time of each read, and heap, the most bytes that a read allocated.
func measure(times int, path string) error {
	var out struct {
		MS   []float64 `json:"ms"`
		Heap uint64    `json:"heap"`
	}
	for range times {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		sd, err := checkpoint.Read(path)
		if err != nil {
			return err
		}
		out.MS = append(out.MS, time.Since(start).Seconds()*1e3)
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(sd)
		// The sum of all allocations is at least the largest heap, and does not depend on the collector.
		out.Heap = max(out.Heap, after.TotalAlloc-before.TotalAlloc)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
