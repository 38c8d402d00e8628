package main

import (
	"testing"

	"hymenoptera/internal/machine"
)

// Pictures that are read once are not kept, whatever --cache allows.
func TestCacheOfWhatIsReadAgain(t *testing.T) {
	for _, tt := range []struct {
		o    options
		want bool
	}{
		{options{Epochs: 2}, true},
		{options{Epochs: 1}, false},
		{options{Epochs: 9, Probe: true}, false},
		{options{Epochs: 9, Probe: true, Views: 1}, false},
		{options{Epochs: 9, Probe: true, Views: 2}, true},
	} {
		tt.o.Cache = "1M"
		if c, err := tt.o.cache(nil); err != nil || (c != nil) != tt.want {
			t.Errorf("%+v: a cache %v, %v, want %v", tt.o, c != nil, err, tt.want)
		}
	}
}

func TestCacheBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"off": 0, "0": 0, "1000": 1000, "2k": 2000, "500M": 500e6, "1.5G": 1.5e9,
		"": -1, "G": -1, "-1": -1, "NaN": -1, "2T": -1, "1e9G": -1, "2MG": -1, "lots": -1,
	} {
		got, err := options{Cache: text}.cacheBytes()
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: got %d and %v, want %d", text, got, err, want)
		}
	}
	if got, err := (options{Cache: "auto"}).cacheBytes(); err != nil || got < 0 || got > machine.This().FreeMemory()/4 {
		t.Errorf("auto: got %d and %v, with %d free", got, err, machine.This().FreeMemory())
	}
}
