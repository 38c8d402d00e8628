// Package cli has the terminal parts of the commands: help, mistakes and exit codes, messages, progress, the log of a
// training.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"

	"hymenoptera/internal/escape"
)

// Exit codes other than 0.
const (
	ExitFailure = 1
	ExitUsage   = 2 // the mistake is in the command line itself
	ExitSignal  = 128
)

// A UsageError is a mistake in the command line itself.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a [*UsageError].
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// An Interrupt is the cause with which a signal cancels a context.
type Interrupt struct{ syscall.Signal }

func (i Interrupt) Error() string { return "stopped: " + i.Signal.String() }

// An ExitError is an error with an exit code of its own.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// ErrSaid stands for an error that was already printed on standard error.
var ErrSaid = errors.New("said already")

// ExitCode returns the exit code for an error, which may be nil.
func ExitCode(err error) int {
	var stopped Interrupt
	var usage *UsageError
	var exit *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &stopped):
		return ExitSignal + int(stopped.Signal)
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &exit):
		return exit.Code
	}
	return ExitFailure
}

// PrintJSON writes v as indented JSON.
func PrintJSON(w io.Writer, v any) error {
	e := json.NewEncoder(escape.JSON(w))
	e.SetIndent("", "  ")
	return e.Encode(v)
}
