//go:build ignore

// make_set writes a generated set; without flags the small one that the committed reference curves were trained on:
//
//	go run scripts/make_set.go cmd/hymenoptera/testdata/insects
package main

import (
	"flag"
	"fmt"
	"os"

	"hymenoptera/internal/synth"
)

func main() {
	cfg := synth.Config{Seed: 2, Train: 24, Val: 13, MinSide: 36, MaxSide: 72}
	flag.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "")
	flag.IntVar(&cfg.Train, "train", cfg.Train, "images a class")
	flag.IntVar(&cfg.Val, "val", cfg.Val, "images a class")
	flag.IntVar(&cfg.MinSide, "min", cfg.MinSide, "smallest side, in pixels")
	flag.IntVar(&cfg.MaxSide, "max", cfg.MaxSide, "largest side, in pixels")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: go run scripts/make_set.go [flags] DIR")
		os.Exit(2)
	}
	if err := synth.Write(flag.Arg(0), cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
