//go:build ignore

// make_set writes the generated set whose reports make test-browser looks at:
//
//	go run scripts/browser/make_set.go DIR
package main

import (
	"fmt"
	"os"

	"hymenoptera/internal/synth"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run scripts/browser/make_set.go DIR")
		os.Exit(2)
	}
	cfg := synth.Config{Seed: 3, Train: 100, Val: 60, MinSide: 120, MaxSide: 200}
	if err := synth.Write(os.Args[1], cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
