package finetune

import (
	"errors"
	"strings"
	"testing"
)

func TestChoices(t *testing.T) {
	for _, tt := range []struct {
		name   string
		counts []int
		change func(o *Options)
		fixed  []string
		want   string
	}{
		{"two classes of enough images", []int{123, 121}, nil, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.0002 layer_decay=0.7 scheduler=cosine batch_size=16 epochs=13 warmup=20"},
		{"unequal classes", []int{62, 40, 11, 12}, nil, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.0002 layer_decay=0.7 scheduler=cosine batch_size=8 epochs=13 warmup=20 balance=sampling augment=light label_smoothing=0.1"},
		{"what is given stays", []int{123, 121}, func(o *Options) { o.BatchSize, o.Epochs, o.Optimizer = 32, 2, "sgd" }, []string{"batch_size", "epochs", "optimizer"},
			"scheduler=cosine warmup=1"},
		{"a warm-up, which needs the schedule that is chosen", []int{123, 121}, func(o *Options) { o.WarmUp = 5 }, []string{"warmup"},
			"optimizer=adamw weight_decay=0.01 lr=0.0002 layer_decay=0.7 scheduler=cosine batch_size=16 epochs=13"},
		{"Nesterov momentum", []int{123, 121}, func(o *Options) { o.Optimizer, o.Nesterov = "sgd", true }, []string{"optimizer", "nesterov"},
			"scheduler=cosine batch_size=16 epochs=13 warmup=20"},
		{"random weights", []int{123, 121}, func(o *Options) { o.Weights = "none" }, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.001 scheduler=cosine batch_size=16 epochs=13 warmup=20"},
		{"a new head", []int{123, 121}, func(o *Options) { o.Freeze = true }, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.003 scheduler=cosine batch_size=16 epochs=13 warmup=20"},
	} {
		o := DefaultOptions()
		o.Recipe, o.Fixed = "auto", tt.fixed
		if tt.change != nil {
			tt.change(&o)
		}
		got := o.chooseFirst().chooseBy(tt.counts)
		var choices []string
		for _, c := range got.Choices {
			choices = append(choices, c.Option+"="+c.Value)
			if c.Reason == "" {
				t.Errorf("%s: no reason for %s", tt.name, c.Option)
			}
		}
		if s := strings.Join(choices, " "); s != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, s, tt.want)
		}
		if err := errors.Join(o.Validate(), got.Validate()); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if again := got.chooseFirst().chooseBy(tt.counts); len(again.Choices) != len(got.Choices) {
			t.Errorf("%s: another time %d choices", tt.name, len(again.Choices))
		}
		got.Fixed = nil // a checkpoint does not have it
		if err := got.Validate(); err != nil {
			t.Errorf("%s: read back: %v", tt.name, err)
		}
	}
}
