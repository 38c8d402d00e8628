package background_test

import (
	"slices"
	"testing"

	"hymenoptera/internal/background"
)

func TestRunnerRunsTheLast(t *testing.T) {
	var r background.Runner
	r.Wait() // there is nothing to wait for
	var did []int
	begun, proceed := make(chan struct{}), make(chan struct{})
	r.Start(func() {
		close(begun)
		<-proceed
		did = append(did, 1)
	})
	<-begun
	for i := 2; i <= 4; i++ {
		r.Start(func() { did = append(did, i) })
	}
	if !r.Busy() {
		t.Error("not busy while a function is running")
	}
	close(proceed)
	r.Wait()
	if want := []int{1, 4}; r.Busy() || !slices.Equal(did, want) {
		t.Errorf("busy %v, did %v, want %v", r.Busy(), did, want)
	}
	r.Start(func() { did = append(did, 5) })
	r.Wait()
	if want := []int{1, 4, 5}; !slices.Equal(did, want) {
		t.Errorf("did %v, want %v", did, want)
	}
}
