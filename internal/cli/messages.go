package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hymenoptera/internal/escape"
	"hymenoptera/internal/text"
)

// Messages writes lines on standard error, apart from the results of a command.
type Messages struct {
	w              io.Writer
	quiet, verbose bool
	format         string

	mu    sync.Mutex               // guards the fields below
	bar   *progressbar.ProgressBar // on the terminal now, or nil
	bytes int64                    // total of the bar, or -1 if unknown; 0 for a bar of images
}

// logFormats are the values of --log-format.
var logFormats = []string{"text", "json"}

// NewMessages returns messages that go to w.
func NewMessages(w io.Writer) *Messages { return &Messages{w: w, format: logFormats[0]} }

// AddFlags declares --quiet, --verbose and --log-format for a command and those under it.
func (m *Messages) AddFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.BoolVarP(&m.quiet, "quiet", "q", false, "print no log of a training and no progress, only warnings and errors")
	f.BoolVarP(&m.verbose, "verbose", "v", false, "print more messages")
	f.StringVar(&m.format, "log-format", m.format, "format of the log: "+strings.Join(logFormats, ", ")+" (an object per line)")
	Group(f, GroupMessages, "quiet", "verbose", "log-format")
	Complete(cmd, "log-format", logFormats...)
}

// Check returns an error if the flags contradict each other.
func (m *Messages) Check() error {
	if m.quiet && m.verbose {
		return Usagef("--quiet and --verbose do not go together")
	}
	if !slices.Contains(logFormats, m.format) {
		return Usagef("--log-format %q: want one of %s", m.format, strings.Join(logFormats, ", "))
	}
	return nil
}

// Silence leaves out all but warnings and errors, as --quiet does.
func (m *Messages) Silence() { m.quiet, m.verbose = true, false }

// json reports whether the log is to be JSON, an object per line.
func (m *Messages) json() bool { return m.format == "json" }

// Terminal reports whether the messages go to a terminal that shows progress.
func (m *Messages) Terminal() bool {
	return !m.quiet && !m.json() && Terminal(m.w) && os.Getenv("TERM") != "dumb"
}

// Terminal reports whether a writer is a terminal.
func Terminal(w io.Writer) bool {
	if o, ok := w.(*Output); ok {
		w = o.Writer
	}
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Debugf writes a message if --verbose is given.
func (m *Messages) Debugf(format string, args ...any) { m.log(slog.LevelDebug, format, args) }

// Infof writes a message, unless --quiet is given.
func (m *Messages) Infof(format string, args ...any) { m.log(slog.LevelInfo, format, args) }

// Warnf writes a warning.
func (m *Messages) Warnf(format string, args ...any) { m.log(slog.LevelWarn, format, args) }

// Error writes the error that ends a command.
func (m *Messages) Error(err error) { m.log(slog.LevelError, "%v", []any{err}) }

func (m *Messages) log(level slog.Level, format string, args []any) {
	m.Logger().Log(context.Background(), level, fmt.Sprintf(format, args...))
}

// Logger returns a logger for a library: its messages look like those of the program itself.
func (m *Messages) Logger() *slog.Logger {
	if m.json() {
		return slog.New(slog.NewJSONHandler(escape.JSON(m.w), &slog.HandlerOptions{Level: m.level()}))
	}
	return slog.New(lines{m, m.level()})
}

// EventLogger returns a logger for a server: a line per event, with its time and attributes.
func (m *Messages) EventLogger() *slog.Logger {
	options := &slog.HandlerOptions{Level: max(m.level(), slog.LevelInfo)}
	if m.json() {
		return slog.New(slog.NewJSONHandler(m.w, options))
	}
	return slog.New(slog.NewTextHandler(m.w, options))
}

func (m *Messages) level() slog.Level {
	switch {
	case m.quiet:
		return slog.LevelWarn
	case m.verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// lines is a slog.Handler that writes plain lines, below a bar if there is one. It shows no attributes.
type lines struct {
	messages *Messages
	level    slog.Level
}

func (l lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }
func (l lines) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l lines) WithGroup(string) slog.Handler                    { return l }

func (l lines) Handle(_ context.Context, r slog.Record) error {
	prefix := map[slog.Level]string{slog.LevelWarn: "warning: ", slog.LevelError: "hymenoptera: "}[r.Level]
	l.messages.EndBar()
	_, err := fmt.Fprintln(l.messages.w, prefix+text.OneLine(r.Message))
	return err
}
