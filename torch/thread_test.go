package torch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hymenoptera/torch"
)

func TestDoPassesErrorsAndPanicsOn(t *testing.T) {
	want := errors.New("mine")
	if err := torch.Do(t.Context(), func(*torch.Scope) error { return want }); err != want {
		t.Errorf("got error %v, want %v", err, want)
	}
	func() {
		defer func() {
			if p := recover(); p != "a bug" {
				t.Errorf("recovered %v, want the caller's own panic", p)
			}
		}()
		torch.Do(t.Context(), func(*torch.Scope) error { panic("a bug") })
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := torch.Do(ctx, func(*torch.Scope) error { t.Error("ran"); return nil }); err != context.Canceled {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestDoWaitsForItsTurn(t *testing.T) {
	inside := make(chan struct{})
	leave := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		torch.Do(t.Context(), func(*torch.Scope) error { close(inside); <-leave; return nil })
	})
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := torch.Do(ctx, func(*torch.Scope) error { return nil }); err != context.DeadlineExceeded {
		t.Errorf("while another ran: got %v, want %v", err, context.DeadlineExceeded)
	}
	close(leave)
	wg.Wait()
}

// A test that ends inside Do (t.FailNow calls runtime.Goexit) ends Do's caller, and Do still works.
func TestDoSurvivesGoexit(t *testing.T) {
	ended := make(chan bool, 1)
	go func() {
		returned := false
		defer func() { ended <- returned }()
		torch.Do(t.Context(), func(*torch.Scope) error { goexit(); return nil })
		returned = true
	}()
	if <-ended {
		t.Error("the caller of Do went on")
	}
	do(t, func(s *torch.Scope) { torch.Zeros(s, torch.Float32, torch.CPU, 1) })
}

func TestUseOutsideDoPanics(t *testing.T) {
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "outside torch.Do") {
			t.Errorf("recovered %q", p)
		}
	}()
	torch.ManualSeed(1)
}

func ExampleDo() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		x := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{1, 2, 3}, 3), true)
		torch.Backward(torch.Sum(s, torch.Mul(s, x, x)))
		fmt.Println(torch.Float32s(s, torch.Grad(s, x)))
		return nil
	})
	fmt.Println(err)
	// Output:
	// [2 4 6]
	// <nil>
}
