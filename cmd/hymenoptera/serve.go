package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/text"
	"hymenoptera/serve"
)

// serveCommand is the name of the command that runs the server.
const serveCommand = "serve"

const defaultPort = "8080"

// origins matches the Origin headers that browsers send: no path, no capital letters.
var origins = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/?#@A-Z\s]+$`)

// A service is a serve command with its flags.
type service struct {
	use
	serve.Config
	addr, tokenFile string
	tlsCert, tlsKey string
	maxBody, memory string
	messages        *cli.Messages
}

func newServe(m *cli.Messages) *cobra.Command {
	s := service{Config: serve.DefaultConfig(), addr: "127.0.0.1:" + defaultPort, maxBody: "20M", memory: "auto", messages: m}
	cmd := &cobra.Command{
		Use:   serveCommand,
		Short: "Classify pictures over HTTP",
		Long: "Answers POST /v1/predict (a picture, or a form with several), GET /v1/model, /healthz, /readyz, /metrics and\n" +
			"/openapi.json, and serves a page to drop pictures on. Pictures of simultaneous requests go through the network\n" +
			"together. After SIGTERM or Ctrl-C it answers the accepted requests and ends; SIGHUP makes it read the\n" +
			"checkpoint again.",
		Example: "  hymenoptera serve --checkpoint runs/bees/best.safetensors\n" +
			"  curl --data-binary @garden.jpg http://127.0.0.1:8080/v1/predict",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			return s.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	s.use.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", s.addr, "address and port to listen on; with port 0 the system chooses one, and standard output has the URL")
	f.StringVar(&s.tokenFile, "token-file", "", "file with a token that requests must carry")
	f.StringVar(&s.tlsCert, "tls-cert", "", "certificate, a PEM file, for HTTPS")
	f.StringVar(&s.tlsKey, "tls-key", "", "its key, a PEM file")
	f.StringArrayVar(&s.Origins, "cors", nil, "origin whose pages may send requests, such as https://example.org; may be repeated")
	f.IntVar(&s.MaxBatch, "max-batch", s.MaxBatch, "pictures per batch")
	f.DurationVar(&s.MaxWait, "max-wait", s.MaxWait, "how long a picture waits for others to join its batch")
	f.IntVar(&s.Queue, "queue", s.Queue, "waiting pictures; more are refused with status 429")
	f.StringVar(&s.memory, "memory", s.memory, "memory for connections, requests and batches, such as 500M or 2G; auto: a quarter of the machine's or container's")
	f.IntVar(&s.Connections, "max-connections", s.Connections, "connections at once; one more closes the longest idle connection of the client with the most")
	f.StringVar(&s.maxBody, "max-body", s.maxBody, "size of a request, such as 500k or 20M")
	f.IntVar(&s.MaxPixels, "max-pixels", s.MaxPixels, "size of a picture")
	f.DurationVar(&s.Timeout, "timeout", s.Timeout, "time for a request")
	cli.Group(f, cli.GroupServer, "addr", "token-file", "tls-cert", "tls-key", "cors")
	cli.Group(f, cli.GroupLimits, "max-batch", "max-wait", "queue", "memory", "max-connections", "max-body", "max-pixels", "timeout")
	return cmd
}

// check returns an error for a mistake in the command line.
func (s *service) check() error {
	if err := s.use.check(); err != nil {
		return err
	}
	size, ok := text.Bytes(s.maxBody)
	if !ok {
		return cli.Usagef("--max-body %q: want a size as 500k or 20M", s.maxBody)
	}
	s.MaxBody = size
	if all := machine.This().Memory(); all > 0 {
		s.Memory = all / 4
	}
	if s.memory != "auto" {
		if s.Memory, ok = text.Bytes(s.memory); !ok || s.Memory < 1 {
			return cli.Usagef("--memory %q: want auto, or a size as 500M or 2G", s.memory)
		}
	}
	if ip, err := netip.ParseAddr(strings.Trim(s.addr, "[]")); err == nil {
		s.addr = net.JoinHostPort(ip.String(), defaultPort)
	}
	if _, _, err := net.SplitHostPort(s.addr); err != nil {
		return cli.Usagef("--addr %q: want an address and a port, as 127.0.0.1:8080 or 0.0.0.0:8080", s.addr)
	}
	if (s.tlsCert == "") != (s.tlsKey == "") {
		return cli.Usagef("--tls-cert and --tls-key go together: name both files")
	}
	if err := checkInputs(flagPath{"token-file", s.tokenFile}, flagPath{"tls-cert", s.tlsCert}, flagPath{"tls-key", s.tlsKey}); err != nil {
		return err
	}
	for _, origin := range s.Origins { // net/http accepts more than browsers send
		if !origins.MatchString(origin) {
			return cli.Usagef("--cors %q: want a scheme and a host, as https://example.org or http://localhost:3000", origin)
		}
	}
	var wrong *serve.ConfigError
	if err := s.Validate(); errors.As(err, &wrong) {
		flag := map[string]string{"MaxBatch": "max-batch", "MaxWait": "max-wait", "Queue": "queue", "Memory": "memory",
			"Connections": "max-connections", "MaxBody": "max-body", "MaxPixels": "max-pixels", "Timeout": "timeout", "Origins": "cors"}[wrong.Field]
		return cli.Usagef("--%s %v: want %s", flag, wrong.Value, wrong.Want)
	}
	return nil
}

// run serves until ctx is done.
func (s *service) run(ctx context.Context, stdout io.Writer) error {
	if err := s.secrets(); err != nil {
		return err
	}
	device, err := s.use.init()
	if err != nil {
		return err
	}
	s.Classify = s.use.config(device)
	s.Log = s.messages.EventLogger()
	hangups := make(chan os.Signal, 1) // a signal that comes before the server runs waits here
	signal.Notify(hangups, syscall.SIGHUP)
	listener, err := serve.Listen(ctx, s.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", s.addr, err)
	}
	defer listener.Close()
	server, err := serve.New(ctx, s.checkpoint, s.Config)
	if little := (*serve.MemoryError)(nil); errors.As(err, &little) {
		const m = 1e6
		return fmt.Errorf("--memory %s is %d MB: a batch of --max-batch %d pictures and --max-connections %d take most of it; want at least %dM, or less of these",
			s.memory, little.Memory/m, s.MaxBatch, s.Connections, little.Least/m+1)
	}
	if err != nil {
		return adviseThreshold(err)
	}
	defer server.Close()
	card, cut := server.Network()
	sayThreshold(s.messages, cut, card.Calibration)
	defer server.ReloadOn(ctx, hangups)()
	if _, port, _ := net.SplitHostPort(s.addr); port == "0" {
		fmt.Fprintln(stdout, s.url(listener.Addr()))
	}
	s.introduce(listener.Addr())
	return server.Serve(ctx, listener)
}

// secrets reads the token and the certificate.
func (s *service) secrets() error {
	if s.tokenFile != "" {
		var err error
		if s.Token, err = serve.ReadToken(s.tokenFile); err != nil {
			return fmt.Errorf("--token-file: %w", err)
		}
	}
	if s.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey)
		if err != nil {
			return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", s.tlsCert, s.tlsKey, err)
		}
		s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return nil
}

// url returns the URL of the server at an address.
func (s *service) url(addr net.Addr) string {
	scheme := "http"
	if s.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + addr.String()
}

// introduce prints the server's address, and warns if other machines can reach it.
func (s *service) introduce(addr net.Addr) {
	s.messages.Infof("serving %s on %s", s.checkpoint, s.url(addr))
	s.messages.Debugf("connections, requests and batches take up to %.1f GB beside the network (--memory)", float64(s.Memory)/1e9)
	switch tcp, ok := addr.(*net.TCPAddr); {
	case !ok || tcp.IP.IsLoopback():
	case s.Token == "":
		s.messages.Warnf("other machines can reach %s and send requests: add --token-file, or listen on 127.0.0.1", addr)
	case s.TLS == nil:
		s.messages.Warnf("the token and the pictures go to %s in plain text: add --tls-cert and --tls-key, or have a proxy encrypt them", addr)
	}
}
