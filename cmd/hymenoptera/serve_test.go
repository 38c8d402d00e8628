package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/internal/cli"
	"hymenoptera/serve"
)

// serve warns about what others can see and use when other machines can reach it.
func TestServeWarnsBeyondLoopback(t *testing.T) {
	for _, tt := range []struct {
		addr  string
		token string
		tls   *tls.Config
		want  string // "" for no warning
	}{
		{"127.0.0.1:80", "", nil, ""},
		{"[::1]:80", "", nil, ""},
		{"192.0.2.1:80", "", nil, "and send requests"},
		{"192.0.2.1:80", "", &tls.Config{}, "and send requests"},
		{"[::]:80", "secret", nil, "in plain text"},
		{"0.0.0.0:80", "secret", &tls.Config{}, ""},
	} {
		var out bytes.Buffer
		addr, err := net.ResolveTCPAddr("tcp", tt.addr)
		if err != nil {
			t.Fatal(err)
		}
		s := service{Config: serve.Config{Token: tt.token, TLS: tt.tls}, messages: cli.NewMessages(&out)}
		s.introduce(addr)
		if got := strings.Count(out.String(), "warning: "); tt.want == "" && got != 0 || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s, token %q, TLS %v: %s, want %q", tt.addr, tt.token, tt.tls != nil, out.String(), tt.want)
		}
	}
}

// 0.0.0.0 is every IPv4 address of the machine, and no IPv6 address.
func TestListensOnIPv4Alone(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "127.0.0.1:0"} {
		l, err := serve.Listen(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if at, err := netip.ParseAddrPort(l.Addr().String()); err != nil || !at.Addr().Is4() {
			t.Errorf("%s: listens on %s", addr, l.Addr())
		}
	}
}

// Which addresses and origins --addr and --cors accept.
func TestServeAddressAndOrigins(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"0.0.0.0", "0.0.0.0:8080"}, {"::1", "[::1]:8080"}, {"[::1]", "[::1]:8080"}, {":8080", ":8080"}, {"localhost:1", "localhost:1"},
		{"8080", ""}, {"localhost", ""}, {"::1:x:1", ""},
	} {
		s := service{Config: serve.DefaultConfig(), addr: tt.addr, maxBody: "1M", memory: "auto", use: use{checkpoint: "x", device: "cpu", threads: 1, batch: 1, given: func(string) bool { return false }}}
		if err := s.check(); (err == nil) != (tt.want != "") || err == nil && s.addr != tt.want {
			t.Errorf("%s: got %s, %v, want %q", tt.addr, s.addr, err, tt.want)
		}
	}
	for origin, want := range map[string]bool{
		"https://example.org": true, "http://localhost:3000": true, "http://[::1]:80": true, "app://bees": true,
		"*": false, "null": false, "example.org": false, "https://example.org/": false, "https://Example.org": false, "https://a b": false,
	} {
		s := service{Config: serve.DefaultConfig(), addr: ":0", maxBody: "1M", memory: "1G", use: use{checkpoint: "x", device: "cpu", threads: 1, batch: 1, given: func(string) bool { return false }}}
		s.Origins = []string{origin}
		if err := s.check(); (err == nil) != want || err == nil && s.Validate() != nil {
			t.Errorf("%s: %v, %v", origin, err, s.Validate())
		}
	}
}

// serve prints its address on standard output, with -q too, also if the system chooses the port.
func TestServePrintsItsAddress(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	cmd := build(t).command(t.Context(), ".", "serve", "-q", "--device", "cpu", "--checkpoint", file, "--addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	try(t, err)
	try(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Get(strings.TrimSpace(url) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != 200 {
		t.Errorf("%s: status %d", url, r.StatusCode)
	}
}
