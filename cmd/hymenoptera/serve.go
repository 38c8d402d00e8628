package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/serve"
	"hymenoptera/torch"
)

// A service is a serve command with its flags.
type service struct {
	use
	serve.Config
	addr, maxBody, tokenFile string
	tlsCert, tlsKey          string
	messages                 *messages
}

func newServe(m *messages) *cobra.Command {
	s := service{Config: serve.DefaultConfig(), addr: "127.0.0.1:8080", maxBody: "20M", messages: m}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer over HTTP what pictures show",
		Long: "Answers POST /v1/predict (a picture, or a form with several), GET /v1/model, /healthz, /readyz, /metrics and\n" +
			"/openapi.json, and shows a page to drop pictures on. Requests that come together go through the network\n" +
			"together. SIGTERM and Ctrl-C end it when what it accepted is answered; SIGHUP reads the checkpoint again.",
		Example: "  hymenoptera serve --checkpoint runs/bees/best.safetensors\n" +
			"  curl --data-binary @garden.jpg http://127.0.0.1:8080/v1/predict",
		Args: usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			return s.run(cmd.Context())
		},
	}
	s.use.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", s.addr, "address and port to listen on; port 0 takes a free one")
	f.StringVar(&s.tokenFile, "token-file", "", "file with a token that requests must bear")
	f.StringVar(&s.tlsCert, "tls-cert", "", "certificate, a PEM file, for HTTPS")
	f.StringVar(&s.tlsKey, "tls-key", "", "its key, a PEM file")
	f.IntVar(&s.MaxBatch, "max-batch", s.MaxBatch, "pictures that go through the network together")
	f.DurationVar(&s.MaxWait, "max-wait", s.MaxWait, "how long a picture waits for others to go with")
	f.IntVar(&s.Queue, "queue", s.Queue, "pictures on their way; more are refused with status 429")
	f.StringVar(&s.maxBody, "max-body", s.maxBody, "size of a request, as 500k or 20M")
	f.IntVar(&s.MaxPixels, "max-pixels", s.MaxPixels, "size of a picture")
	f.DurationVar(&s.Timeout, "timeout", s.Timeout, "time for a request")
	inGroup(f, groupServer, "addr", "token-file", "tls-cert", "tls-key")
	inGroup(f, groupLimits, "max-batch", "max-wait", "queue", "max-body", "max-pixels", "timeout")
	return cmd
}

// check finds what is wrong from the command line alone.
func (s *service) check() error {
	if err := s.use.check(); err != nil {
		return err
	}
	size, ok := parseBytes(s.maxBody)
	if !ok {
		return usageError{fmt.Errorf("--max-body %q: want a size as 500k or 20M", s.maxBody)}
	}
	s.MaxBody = size
	if _, _, err := net.SplitHostPort(s.addr); err != nil {
		return usageError{fmt.Errorf("--addr %q: want an address and a port, as 127.0.0.1:8080", s.addr)}
	}
	if (s.tlsCert == "") != (s.tlsKey == "") {
		return usageError{errors.New("--tls-cert and --tls-key go together: name both files")}
	}
	for _, limit := range []struct {
		ok     bool
		format string
		value  any
	}{
		{s.MaxBatch >= 1 && s.MaxBatch <= 4096, "--max-batch %v: want 1 to 4096", s.MaxBatch},
		{s.MaxWait >= 0 && s.MaxWait <= time.Minute, "--max-wait %v: want 0s to 1m", s.MaxWait},
		{s.Queue >= 1 && s.Queue <= 1<<20, "--queue %v: want 1 to 1048576", s.Queue},
		{s.MaxBody >= 1 && s.MaxBody <= 1e12, "--max-body %v: want 1 to 1000G", s.maxBody},
		{s.MaxPixels >= 1, "--max-pixels %v: want 1 or more", s.MaxPixels},
		{s.Timeout > 0, "--timeout %v: want more than 0s", s.Timeout},
	} {
		if !limit.ok {
			return usageError{fmt.Errorf(limit.format, limit.value)}
		}
	}
	return nil
}

// run serves until ctx is done.
func (s *service) run(ctx context.Context) error {
	if err := s.secrets(); err != nil {
		return err
	}
	device, err := findDevice(ctx, s.device)
	if err != nil {
		return err
	}
	if err := torch.Do(ctx, func(*torch.Scope) error { return torch.SetNumThreads(s.threads) }); err != nil {
		return err
	}
	s.Classify = classify.Config{Device: device, Fast: s.fast}
	s.Log = s.messages.logger()
	hangups := make(chan os.Signal, 1) // one that comes before there is a server waits for it
	signal.Notify(hangups, syscall.SIGHUP)
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", s.addr, err)
	}
	defer listener.Close()
	server, err := serve.New(ctx, s.checkpoint, s.Config)
	if err != nil {
		return err
	}
	defer server.Close()
	stop := s.reloadOn(ctx, hangups, server)
	defer stop()
	s.introduce(listener.Addr())
	return server.Serve(ctx, listener)
}

// secrets reads the token and the certificate.
func (s *service) secrets() error {
	if s.tokenFile != "" {
		data, err := os.ReadFile(s.tokenFile)
		if err != nil {
			return fmt.Errorf("--token-file: %w", err)
		}
		if s.Token = string(bytes.TrimSpace(data)); s.Token == "" {
			return fmt.Errorf("--token-file %s is empty: want a token in it, as openssl rand -hex 32 makes one", s.tokenFile)
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

// introduce says where the server listens, and who can reach it.
func (s *service) introduce(addr net.Addr) {
	scheme := "http"
	if s.TLS != nil {
		scheme = "https"
	}
	s.messages.info("serving %s on %s://%s", s.checkpoint, scheme, addr)
	switch tcp, ok := addr.(*net.TCPAddr); {
	case !ok || tcp.IP.IsLoopback():
	case s.Token == "":
		s.messages.warn("%s can be reached from other machines, and whoever reaches it may ask: add --token-file, or listen on 127.0.0.1", addr)
	case s.TLS == nil:
		s.messages.warn("the token and the pictures go to %s in plain text: add --tls-cert and --tls-key, or have a proxy encrypt them", addr)
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

// logger returns a log of a server: a line an event with its attributes.
func (m *messages) logger() *slog.Logger {
	level := slog.LevelInfo
	if m.quiet {
		level = slog.LevelWarn
	}
	options := &slog.HandlerOptions{Level: level}
	if m.json() {
		return slog.New(slog.NewJSONHandler(m.w, options))
	}
	return slog.New(slog.NewTextHandler(m.w, options))
}
