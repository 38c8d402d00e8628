package main

import (
	"slices"
	"testing"
)

// A training does not wait for the disk: weights that were surpassed before their turn came are never written.
func TestBackgroundDoesTheLast(t *testing.T) {
	var b background
	b.wait() // for nothing
	var did []int
	begun, proceed := make(chan struct{}), make(chan struct{})
	b.start(func() {
		close(begun)
		<-proceed
		did = append(did, 1)
	})
	<-begun
	for i := 2; i <= 4; i++ {
		b.start(func() { did = append(did, i) })
	}
	if !b.busy() {
		t.Error("not busy while something is being done")
	}
	close(proceed)
	b.wait()
	if want := []int{1, 4}; b.busy() || !slices.Equal(did, want) {
		t.Errorf("busy %v, did %v, want %v", b.busy(), did, want)
	}
	b.start(func() { did = append(did, 5) })
	b.wait()
	if want := []int{1, 4, 5}; !slices.Equal(did, want) {
		t.Errorf("did %v, want %v", did, want)
	}
}
