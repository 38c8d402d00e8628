package main

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/schollz/progressbar/v3"

	"hymenoptera/hub"
)

// A progress shows a download on standard error: lines, and a bar where a person looks.
type progress struct {
	messages *messages
	bar      *progressbar.ProgressBar
	total    int64 // of the bar
}

func newProgress(m *messages) *progress { return &progress{messages: m} }

// config returns how file is fetched and from where. A mirror whose address begins with http:// is taken: a
// person typed it, and hashes are compared all the same.
func (p *progress) config(file hub.File, mirror string) (hub.Config, hub.File, error) {
	cfg := hub.DefaultConfig()
	cfg.Log, cfg.Progress = p.log, p.set
	if mirror == "" {
		return cfg, file, nil
	}
	file, err := file.Mirrored(mirror)
	if err != nil {
		return cfg, file, usageError{fmt.Errorf("--mirror: %w", err)}
	}
	u, err := url.Parse(file.URL)
	if err != nil {
		return cfg, file, usageError{errors.New("--mirror is no address")}
	}
	cfg.AllowHTTP = u.Scheme == "http"
	return cfg, file, nil
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
