//go:build ignore

// make_set writes the small generated set that the committed reference curves were trained on:
//
//	go run scripts/make_set.go cmd/hymenoptera/testdata/insects
package main

import (
	"fmt"
	"os"

	"hymenoptera/internal/synth"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run scripts/make_set.go DIR")
		os.Exit(2)
	}
	cfg := synth.Config{Seed: 2, Train: 24, Val: 13, MinSide: 36, MaxSide: 72}
	if err := synth.Write(os.Args[1], cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
