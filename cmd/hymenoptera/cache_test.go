package main

import "testing"

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
	if got, err := (options{Cache: "auto"}).cacheBytes(); err != nil || got <= 0 || got > freeMemory()/2 {
		t.Errorf("auto: got %d and %v, with %d free", got, err, freeMemory())
	}
}
