package main

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"hymenoptera/serve"
)

// Who listens beyond this machine is told what others can see and ask.
func TestServeWarnsBeyondLoopback(t *testing.T) {
	for _, tt := range []struct {
		addr  string
		token string
		tls   *tls.Config
		want  string // "" for no warning
	}{
		{"127.0.0.1:80", "", nil, ""},
		{"[::1]:80", "", nil, ""},
		{"192.0.2.1:80", "", nil, "whoever reaches it may ask"},
		{"192.0.2.1:80", "", &tls.Config{}, "whoever reaches it may ask"},
		{"[::]:80", "secret", nil, "in plain text"},
		{"0.0.0.0:80", "secret", &tls.Config{}, ""},
	} {
		var out bytes.Buffer
		addr, err := net.ResolveTCPAddr("tcp", tt.addr)
		if err != nil {
			t.Fatal(err)
		}
		s := service{Config: serve.Config{Token: tt.token, TLS: tt.tls}, messages: newMessages(&out)}
		s.introduce(addr)
		if got := strings.Count(out.String(), "warning: "); tt.want == "" && got != 0 || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s, token %q, TLS %v: %s, want %q", tt.addr, tt.token, tt.tls != nil, out.String(), tt.want)
		}
	}
}
