package serve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/serve"
)

// A token may have empty lines and a byte order mark around it, as editors write them, but no character that a header cannot
// hold.
func TestReadToken(t *testing.T) {
	for content, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "\ufeffsecret\r\n": "secret", "\n\n  secret\n\n": "secret", "a+/=-._~9": "a+/=-._~9",
		"": "is empty", "\ufeff\n": "is empty", "one\ntwo\n": "has several lines", "two words": "holds ' '", "sécret": "holds 'é'",
		"\x00": "holds '\\x00'", strings.Repeat("x", 4097): "more than 4096 bytes",
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := serve.ReadToken(file)
		if err != nil {
			got = err.Error()
		}
		if refused := strings.Contains(want, " "); refused != (err != nil) || !strings.Contains(got, want) || refused && !strings.Contains(got, file) {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
	if _, err := serve.ReadToken("/dev/zero"); err == nil || !strings.Contains(err.Error(), "more than 4096 bytes") {
		t.Errorf("/dev/zero: %v", err)
	}
}
