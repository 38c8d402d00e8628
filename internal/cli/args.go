package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// NoArgs refuses arguments. For a command with subcommands it suggests those with a similar name.
func NoArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasSubCommands():
		return Usagef("%s takes only flags, got %q (%s --help lists the flags)", cmd.Name(), args[0], cmd.CommandPath())
	}
	cmd.SuggestionsMinimumDistance = 2
	return Usagef("unknown command %q%s (%s --help lists the commands)", args[0],
		didYouMean("", cmd.SuggestionsFor(args[0])), cmd.CommandPath())
}

// OneArg requires one argument, called what in messages.
func OneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return Usagef("%s takes one %s, got %d (see %s --help)", cmd.Name(), what, len(args), cmd.CommandPath())
		}
		return noneEmpty(cmd, args, what)
	}
}

// TwoArgs requires two arguments.
func TwoArgs(first, second string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 2 {
			return Usagef("%s takes two arguments, %s and %s, got %d (see %s --help)", cmd.Name(), first, second, len(args), cmd.CommandPath())
		}
		return noneEmpty(cmd, args, first+" and "+second)
	}
}

// SomeArgs requires at least one argument.
func SomeArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("%s takes at least one %s (see %s --help)", cmd.Name(), what, cmd.CommandPath())
		}
		return noneEmpty(cmd, args, what)
	}
}

// noneEmpty refuses an empty argument, which comes from a quoted shell variable without a value.
func noneEmpty(cmd *cobra.Command, args []string, what string) error {
	if slices.Contains(args, "") {
		return Usagef("%s: an argument is empty: want %s", cmd.Name(), what)
	}
	return nil
}

// CheckValues refuses a flag that was given an empty value.
func CheckValues(f *pflag.FlagSet) (err error) {
	f.Visit(func(flag *pflag.Flag) {
		if err == nil && typed(flag.Value) == "" {
			err = Usagef("--%s is empty: give it a value, or leave it out", flag.Name)
		}
	})
	return err
}

// FlagError describes a mistake in a flag, and suggests the flag that may be meant.
func FlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	switch {
	case errors.As(err, &value):
		err = fmt.Errorf("--%s %q: %s", value.GetFlag().Name, value.GetValue(), wanted(value))
	case errors.As(err, &unknown):
		err = fmt.Errorf("%w%s (%s --help lists the flags)", err,
			didYouMean("--", nearestFlags(cmd, unknown.GetSpecifiedName())), cmd.CommandPath())
	default:
		err = fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())
	}
	return &UsageError{err}
}

// wanted describes the values of a flag.
func wanted(e *pflag.InvalidValueError) string {
	switch e.GetFlag().Value.Type() {
	case "int":
		if _, err := strconv.ParseInt(e.GetValue(), 0, 0); errors.Is(err, strconv.ErrRange) {
			return "out of range"
		}
		return "want a whole number"
	case "uint64":
		return "want a whole number, 0 or more"
	case "float64":
		return "want a number"
	case "bool":
		return "want true or false"
	}
	return e.Unwrap().Error()
}

// nearestFlags returns the flags of cmd that name may stand for. Cobra compares only names of commands, so the flags become
// commands here.
func nearestFlags(cmd *cobra.Command, name string) []string {
	all := &cobra.Command{SuggestionsMinimumDistance: 1 + len(name)/4}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			all.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	return all.SuggestionsFor(name)
}

// didYouMean returns a question that suggests names.
func didYouMean(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}
