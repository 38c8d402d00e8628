package cli

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestCommandLine(t *testing.T) {
	var weights []float64
	f := pflag.NewFlagSet("hymenoptera train", pflag.ContinueOnError)
	f.SortFlags = false
	data := f.String("data", "data", "")
	f.Int("epochs", 25, "")
	f.String("out", "", "")
	f.Bool("fast", false, "")
	f.StringSlice("classes", nil, "")
	f.Var((*Floats)(&weights), "class-weights", "")
	if err := f.Parse([]string{"--fast", "--out=x", "--classes=ants,bees", "--class-weights=0.1234567890123,2"}); err != nil {
		t.Fatal(err)
	}
	*data = "it's here"
	want := `hymenoptera train \
  --data 'it'\''s here' \
  --epochs 25 \
  --fast=true \
  --classes ants,bees \
  --class-weights 0.1234567890123,2`
	if got := CommandLine(f, []string{"epochs"}, []string{"out"}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, wrong := range []string{"", "a", "1,,2"} {
		if err := f.Set("class-weights", wrong); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
}
