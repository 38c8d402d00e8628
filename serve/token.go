package serve

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// ReadToken reads the token in a file. It ignores empty lines and a byte order mark, which editors may add.
func ReadToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("serve: %w", err)
	}
	defer f.Close()
	const most = 4096
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	token := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	switch {
	case err != nil:
		return "", fmt.Errorf("serve: %w", err)
	case len(data) > most:
		return "", fmt.Errorf("serve: %s has more than %d bytes: want one token in it", path, most)
	case token == "":
		return "", fmt.Errorf("serve: %s is empty: want a token in it, as openssl rand -hex 32 makes one", path)
	case strings.Contains(token, "\n"):
		return "", fmt.Errorf("serve: %s has several lines: want one token in it", path)
	}
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("serve: %s: the token holds %q, which a header cannot: want ASCII letters, digits and signs", path, c)
		}
	}
	return token, nil
}
