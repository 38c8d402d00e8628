package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"hymenoptera/dataset"
	"hymenoptera/internal/escape"
)

// messages are what a person is told beside a command's results: lines on standard error.
type messages struct {
	w              io.Writer
	quiet, verbose bool
	format         string
}

// logFormats are what --log-format offers.
var logFormats = []string{"text", "json"}

func newMessages(w io.Writer) *messages { return &messages{w: w, format: logFormats[0]} }

func (m *messages) addFlags(f *pflag.FlagSet) {
	f.BoolVarP(&m.quiet, "quiet", "q", false, "no log of a training and no progress; warnings and errors stay")
	f.BoolVarP(&m.verbose, "verbose", "v", false, "print more about what is done")
	f.StringVar(&m.format, "log-format", m.format, "form of the log: "+strings.Join(logFormats, ", ")+" (an object a line)")
	inGroup(f, groupMessages, "quiet", "verbose", "log-format")
}

// check finds what is wrong with the flags.
func (m *messages) check() error {
	if m.quiet && m.verbose {
		return usageError{errors.New("--quiet and --verbose do not go together")}
	}
	if !slices.Contains(logFormats, m.format) {
		return usageError{fmt.Errorf("--log-format %q: want one of %s", m.format, strings.Join(logFormats, ", "))}
	}
	return nil
}

func (m *messages) json() bool { return m.format == "json" }

// bars reports whether progress may be drawn: where a person looks and asked for nothing else.
func (m *messages) bars() bool {
	return !m.quiet && !m.json() && isTerminal(m.w) && os.Getenv("TERM") != "dumb"
}

func (m *messages) debug(format string, args ...any) { m.log(slog.LevelDebug, format, args) }
func (m *messages) info(format string, args ...any)  { m.log(slog.LevelInfo, format, args) }
func (m *messages) warn(format string, args ...any)  { m.log(slog.LevelWarn, format, args) }
func (m *messages) error(err error)                  { m.log(slog.LevelError, "%v", []any{err}) }

// leftOut says what of a folder is not taken for pictures, by reason.
func (m *messages) leftOut(left dataset.LeftOut) {
	if len(left) > 0 {
		m.info("left out: %v", left)
	}
}

// warnOnce returns a function that gives the first warning of each kind. It may be called from several goroutines.
func (m *messages) warnOnce() func(dataset.Warning) {
	var said sync.Map
	return func(w dataset.Warning) {
		if _, again := said.LoadOrStore(w.Reason, true); !again {
			m.warn("%v (said once; there may be more)", w)
		}
	}
}

func (m *messages) log(level slog.Level, format string, args []any) {
	least := slog.LevelInfo
	switch {
	case m.quiet:
		least = slog.LevelWarn
	case m.verbose:
		least = slog.LevelDebug
	}
	if level < least {
		return
	}
	text := fmt.Sprintf(format, args...)
	if m.json() {
		slog.New(slog.NewJSONHandler(escape.JSON(m.w), &slog.HandlerOptions{Level: least})).Log(context.Background(), level, text)
		return
	}
	prefix := map[slog.Level]string{slog.LevelWarn: "warning: ", slog.LevelError: "hymenoptera: "}[level]
	fmt.Fprintln(m.w, prefix+oneLine(text))
}

// oneLine escapes what could break a line or steer a terminal: names of files may hold anything.
func oneLine(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch _, size := utf8.DecodeRuneInString(s[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
