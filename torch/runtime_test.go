package torch

import "testing"

func TestCapability(t *testing.T) {
	for _, tt := range []struct{ arch, name, want string }{
		{"amd64", "DEFAULT", "DEFAULT"}, {"amd64", "AVX2", "AVX2"}, {"arm64", "DEFAULT", "NEON"}, {"arm64", "SVE256", "SVE256"},
	} {
		if got := capability(tt.arch, tt.name); got != tt.want {
			t.Errorf("%s, %s: got %s, want %s", tt.arch, tt.name, got, tt.want)
		}
	}
}
