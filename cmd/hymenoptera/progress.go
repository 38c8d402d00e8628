package main

import (
	"errors"
	"fmt"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"

	"hymenoptera/hub"
)

// A progress shows a download on standard error: lines, and a bar where a person looks.
type progress struct {
	messages *messages
	bar      *progressbar.ProgressBar
	total    int64 // of the bar
}

func newProgress(m *messages) *progress { return &progress{messages: m} }

// A mirror is an address that stands for the published one.
type mirror struct {
	address  string
	insecure bool // it may begin with http:// for files whose whole hash is not known
}

func (m *mirror) addFlags(f *pflag.FlagSet) {
	f.StringVar(&m.address, "mirror", m.address, "address that stands for https://download.pytorch.org in what is downloaded")
	f.BoolVar(&m.insecure, "insecure-mirror", m.insecure, "take files whose whole hash is not known from a --mirror that begins with http://")
}

// config returns how file is fetched and from where.
func (p *progress) config(file hub.File, m mirror) (hub.Config, hub.File, error) {
	cfg := hub.DefaultConfig()
	cfg.Log, cfg.Progress, cfg.AllowHTTP = p.log, p.set, m.insecure
	if m.address == "" {
		return cfg, file, nil
	}
	file, err := file.Mirrored(m.address)
	if err != nil {
		return cfg, file, usageError{fmt.Errorf("--mirror: %w", err)}
	}
	return cfg, file, nil
}

// advise adds what to do about a mirror that is not taken.
func (m mirror) advise(err error) error {
	var insecure *hub.InsecureError
	if errors.As(err, &insecure) {
		return usageError{fmt.Errorf("--mirror: %w; take an https:// mirror, or add --insecure-mirror where you trust the network", err)}
	}
	return err
}

func (p *progress) log(line string) {
	p.end()
	p.messages.info("%s", line)
}

func (p *progress) set(done, total int64) {
	if !p.messages.bars() {
		return
	}
	if p.bar != nil && p.total != total {
		p.end()
	}
	if p.bar == nil {
		p.total = total
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.messages.w), progressbar.OptionShowBytes(true),
			progressbar.OptionUseIECUnits(true), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100_000_000))
	}
	p.bar.Set64(done)
}

// end leaves the bar as it is and goes to the next line.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Exit()
		fmt.Fprintln(p.messages.w)
		p.bar = nil
	}
}
