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
	"time"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/text"
	"hymenoptera/serve"
)

// serveCommand is the name of the command that is a server.
const serveCommand = "serve"

const defaultPort = "8080"

// origins are what browsers send as Origin: no path, no capital letters.
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
		Short: "Answer over HTTP what pictures show",
		Long: "Answers POST /v1/predict (a picture, or a form with several), GET /v1/model, /healthz, /readyz, /metrics and\n" +
			"/openapi.json, and shows a page to drop pictures on. Requests that come together go through the network\n" +
			"together. SIGTERM and Ctrl-C end it when what it accepted is answered; SIGHUP reads the checkpoint again.",
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
	f.StringVar(&s.addr, "addr", s.addr, "address and port to listen on; port 0 takes a free one, which standard output names")
	f.StringVar(&s.tokenFile, "token-file", "", "file with a token that requests must bear")
	f.StringVar(&s.tlsCert, "tls-cert", "", "certificate, a PEM file, for HTTPS")
	f.StringVar(&s.tlsKey, "tls-key", "", "its key, a PEM file")
	f.StringArrayVar(&s.Origins, "cors", nil, "origin whose pages may ask too, as https://example.org; may be repeated")
	f.IntVar(&s.MaxBatch, "max-batch", s.MaxBatch, "pictures that go through the network together")
	f.DurationVar(&s.MaxWait, "max-wait", s.MaxWait, "how long a picture waits for others to go with")
	f.IntVar(&s.Queue, "queue", s.Queue, "pictures on their way; more are refused with status 429")
	f.StringVar(&s.memory, "memory", s.memory, "for connections, requests and batches, as 500M or 2G; auto: a quarter of the machine's or the container's")
	f.IntVar(&s.Connections, "max-connections", s.Connections, "connections at once; a further one closes the idlest connection of the client with most")
	f.StringVar(&s.maxBody, "max-body", s.maxBody, "size of a request, as 500k or 20M")
	f.IntVar(&s.MaxPixels, "max-pixels", s.MaxPixels, "size of a picture")
	f.DurationVar(&s.Timeout, "timeout", s.Timeout, "time for a request")
	cli.Group(f, cli.GroupServer, "addr", "token-file", "tls-cert", "tls-key", "cors")
	cli.Group(f, cli.GroupLimits, "max-batch", "max-wait", "queue", "memory", "max-connections", "max-body", "max-pixels", "timeout")
	return cmd
}

// check finds what is wrong from the command line alone.
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
	for _, origin := range s.Origins {
		if !origins.MatchString(origin) {
			return cli.Usagef("--cors %q: want a scheme and a host, as https://example.org or http://localhost:3000", origin)
		}
	}
	if (s.tlsCert == "") != (s.tlsKey == "") {
		return cli.Usagef("--tls-cert and --tls-key go together: name both files")
	}
	for _, limit := range []struct {
		ok     bool
		format string
		value  any
	}{
		{s.MaxBatch >= 1 && s.MaxBatch <= 4096, "--max-batch %v: want 1 to 4096", s.MaxBatch},
		{s.MaxWait >= 0 && s.MaxWait <= time.Minute, "--max-wait %v: want 0s to 1m", s.MaxWait},
		{s.Queue >= 1 && s.Queue <= 1<<20, "--queue %v: want 1 to 1048576", s.Queue},
		{s.Connections >= 1 && s.Connections <= 1<<20, "--max-connections %v: want 1 to 1048576", s.Connections},
		{s.MaxBody >= 1 && s.MaxBody <= 1e12, "--max-body %v: want 1 to 1000G", s.maxBody},
		{s.MaxPixels >= 1, "--max-pixels %v: want 1 or more", s.MaxPixels},
		{s.Timeout > 0, "--timeout %v: want more than 0s", s.Timeout},
	} {
		if !limit.ok {
			return cli.Usagef(limit.format, limit.value)
		}
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
	s.Classify = classify.Config{Device: device, Fast: s.fast}
	s.Log = s.messages.EventLogger()
	hangups := make(chan os.Signal, 1) // one that comes before there is a server waits for it
	signal.Notify(hangups, syscall.SIGHUP)
	listener, err := listen(ctx, s.addr)
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
		return err
	}
	defer server.Close()
	stop := s.reloadOn(ctx, hangups, server)
	defer stop()
	if _, port, _ := net.SplitHostPort(s.addr); port == "0" {
		fmt.Fprintln(stdout, s.url(listener.Addr()))
	}
	s.introduce(listener.Addr())
	return server.Serve(ctx, listener)
}

// listen listens on an address and a port. An IPv4 address, 0.0.0.0 too, is one for IPv4 alone: Go would listen on
// all IPv6 addresses as well.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	network := "tcp"
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().Is4() {
		network = "tcp4"
	}
	var config net.ListenConfig
	return config.Listen(ctx, network, addr)
}

// secrets reads the token and the certificate.
func (s *service) secrets() error {
	if s.tokenFile != "" {
		var err error
		if s.Token, err = readToken(s.tokenFile); err != nil {
			return err
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

// readToken reads the token in a file, with or without empty lines and a byte order mark, as editors write them.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	defer f.Close()
	const most = 4096
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	token := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	switch {
	case err != nil:
		return "", fmt.Errorf("--token-file: %w", err)
	case len(data) > most:
		return "", fmt.Errorf("--token-file %s has more than %d bytes: want one token in it", path, most)
	case token == "":
		return "", fmt.Errorf("--token-file %s is empty: want a token in it, as openssl rand -hex 32 makes one", path)
	case strings.Contains(token, "\n"):
		return "", fmt.Errorf("--token-file %s has several lines: want one token in it", path)
	}
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("--token-file %s: the token holds %q, which a header cannot: want ASCII letters, digits and signs", path, c)
		}
	}
	return token, nil
}

// url returns where the server at an address can be asked.
func (s *service) url(addr net.Addr) string {
	scheme := "http"
	if s.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + addr.String()
}

// introduce says where the server listens, and who can reach it.
func (s *service) introduce(addr net.Addr) {
	s.messages.Infof("serving %s on %s", s.checkpoint, s.url(addr))
	s.messages.Debugf("connections, requests and batches take up to %.1f GB beside the network (--memory)", float64(s.Memory)/1e9)
	switch tcp, ok := addr.(*net.TCPAddr); {
	case !ok || tcp.IP.IsLoopback():
	case s.Token == "":
		s.messages.Warnf("%s can be reached from other machines, and whoever reaches it may ask: add --token-file, or listen on 127.0.0.1", addr)
	case s.TLS == nil:
		s.messages.Warnf("the token and the pictures go to %s in plain text: add --tls-cert and --tls-key, or have a proxy encrypt them", addr)
	}
}

// reloadOn reads the checkpoint again whenever a signal comes, until stop is called.
func (s *service) reloadOn(ctx context.Context, hangups chan os.Signal, server *serve.Server) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			if err := server.Reload(ctx); err != nil {
				s.Log.Error("the checkpoint cannot be read again; the old one stays", "error", err)
			} else {
				s.Log.Info("reloaded", "checkpoint", s.checkpoint)
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}
