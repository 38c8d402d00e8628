package doctor

import "testing"

func TestProcessor(t *testing.T) {
	for _, tt := range []struct {
		name, capability string
		bfloat16         bool
		want             string
		ok               bool
	}{
		{"Xeon", "AVX512", true, "Xeon, libtorch uses AVX512, --fast bfloat16, 16.0 GB", true},
		{"Pentium", "DEFAULT", false, "Pentium, libtorch uses DEFAULT, --fast float32, 16.0 GB", false},
		{"Neoverse-N1", "NEON", false, "Neoverse-N1, libtorch uses NEON, --fast float32, 16.0 GB", true},
		{"Neoverse-V1", "SVE256", true, "Neoverse-V1, libtorch uses SVE256, --fast bfloat16, 16.0 GB", true},
	} {
		f := processor(tt.name, tt.capability, tt.bfloat16, 16e9)
		if f.Value != tt.want || f.OK != tt.ok || (f.Do == "") != tt.ok {
			t.Errorf("got %q, %v, %q, want %q, %v", f.Value, f.OK, f.Do, tt.want, tt.ok)
		}
	}
}
