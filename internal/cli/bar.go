package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// ShowImages shows a bar for done of n images, if the messages go to a terminal. The first call begins a bar with the title.
func (m *Messages) ShowImages(title string, done, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar == nil && done > 0 && m.Terminal() {
		m.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(m.w), progressbar.OptionSetDescription(title),
			progressbar.OptionSetItsString("images"), progressbar.OptionShowIts(), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		if !utf8() { // a terminal without block characters
			progressbar.OptionSetTheme(progressbar.ThemeASCII)(m.bar)
		}
	}
	if m.bar != nil {
		m.bar.Set(done)
	}
}

// ShowBytes shows a bar for done of total bytes, if the messages go to a terminal. total is -1 if it is not known.
func (m *Messages) ShowBytes(done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.Terminal() {
		return
	}
	if m.bar == nil || m.bytes != total {
		m.endBar()
		m.bytes = total
		m.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(m.w), progressbar.OptionShowBytes(true),
			progressbar.OptionUseIECUnits(true), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	if m.bar.Set64(done); done == total {
		m.endBar()
	}
}

// EndBar ends a bar. A bar of images disappears; that of a download stays on its line.
func (m *Messages) EndBar() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endBar()
}

func (m *Messages) endBar() {
	if m.bar == nil {
		return
	}
	if m.bytes != 0 {
		m.bar.Exit()
		fmt.Fprintln(m.w)
	} else {
		m.bar.Finish()
	}
	m.bar, m.bytes = nil, 0
}

// utf8 reports whether the locale shows block characters.
func utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(os.Getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// sparkline writes a line with a small curve to a terminal that shows block characters, in a colour of the terminal's
// palette unless NO_COLOR is set (no-color.org).
func (m *Messages) sparkline(title, curve, colour, rest string) {
	if !m.Terminal() || !utf8() {
		return
	}
	if os.Getenv("NO_COLOR") == "" {
		curve = "\x1b[" + colour + "m" + curve + "\x1b[0m"
	}
	fmt.Fprintf(m.w, "%s %s  %s\n", title, curve, rest)
}
