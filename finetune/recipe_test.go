package finetune

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folderOf makes a folder of images by name only: so many to train with per class, and one to validate with.
func folderOf(t *testing.T, counts ...int) string {
	t.Helper()
	root := t.TempDir()
	for label, n := range counts {
		for i := range n + 1 {
			phase := "train"
			if i == n {
				phase = "val"
			}
			file := filepath.Join(root, phase, string(rune('a'+label)), fmt.Sprint(i, ".jpg"))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, nil, 0o666)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func TestRecommend(t *testing.T) {
	for _, tt := range []struct {
		name   string
		counts []int
		change func(o *Options)
		fixed  []string
		want   string
	}{
		{"two classes of enough images", []int{123, 121}, nil, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.0002 scheduler=cosine batch_size=16 epochs=13 warmup=20"},
		{"unequal classes", []int{62, 40, 11, 12}, nil, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.0002 scheduler=cosine batch_size=8 epochs=13 warmup=20 balance=sampling augment=light label_smoothing=0.1"},
		{"what is given stays", []int{123, 121}, func(o *Options) { o.BatchSize, o.Epochs, o.Optimizer = 32, 2, "sgd" }, []string{"batch_size", "epochs", "optimizer"},
			"scheduler=cosine warmup=1"},
		{"a warm-up, which needs the schedule that is chosen", []int{123, 121}, func(o *Options) { o.WarmUp = 5 }, []string{"warmup"},
			"optimizer=adamw weight_decay=0.01 lr=0.0002 scheduler=cosine batch_size=16 epochs=13"},
		{"random weights", []int{123, 121}, func(o *Options) { o.Weights = "none" }, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.001 scheduler=cosine batch_size=16 epochs=13 warmup=20"},
		{"a new head", []int{123, 121}, func(o *Options) { o.Freeze = true }, nil,
			"optimizer=adamw weight_decay=0.01 lr=0.003 scheduler=cosine batch_size=16 epochs=13 warmup=20"},
	} {
		o := DefaultOptions()
		o.Data = folderOf(t, tt.counts...)
		if tt.change != nil {
			tt.change(&o)
		}
		got, err := Recommend(context.Background(), o, tt.fixed, Hooks{})
		if err != nil {
			t.Fatal(err)
		}
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
		if err := got.Validate(); err != nil || got.Recipe != "auto" {
			t.Errorf("%s: recipe %s, %v", tt.name, got.Recipe, err)
		}
		if again, err := Recommend(context.Background(), got, tt.fixed, Hooks{}); err != nil || len(again.Choices) != len(got.Choices) {
			t.Errorf("%s: another time %d choices, %v", tt.name, len(again.Choices), err)
		}
	}
	o := DefaultOptions()
	o.BatchSize = 0
	var option *OptionError
	if _, err := Recommend(context.Background(), o, []string{"batch_size"}, Hooks{}); !errors.As(err, &option) || option.Option != "batch_size" {
		t.Errorf("got %v, want an error about the batch size", err)
	}
	o = DefaultOptions()
	o.Data = filepath.Join(t.TempDir(), "nowhere")
	if _, err := Recommend(context.Background(), o, nil, Hooks{}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v, want an error about the folder", err)
	}
}
