package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// CommandLine returns a command line for a shell with flags of f, one per line: those in always and those that differ from
// their defaults, except those in never. f's name is the command.
func CommandLine(f *pflag.FlagSet, always, never []string) string {
	lines := []string{f.Name()}
	f.VisitAll(func(flag *pflag.Flag) {
		value := typed(flag.Value)
		if slices.Contains(never, flag.Name) || !slices.Contains(always, flag.Name) && value == strings.Trim(flag.DefValue, "[]") {
			return
		}
		if flag.Value.Type() == "bool" {
			lines = append(lines, "--"+flag.Name+"="+value)
			return
		}
		lines = append(lines, "--"+flag.Name+" "+Quote(value))
	})
	return strings.Join(lines, " \\\n  ")
}

// CopyGiven sets those flags of to that were given in from.
func CopyGiven(to, from *pflag.FlagSet) (err error) {
	from.Visit(func(flag *pflag.Flag) {
		if err == nil && to.Lookup(flag.Name) != nil {
			err = to.Set(flag.Name, typed(flag.Value))
		}
	})
	return err
}

// typed returns a flag's value as a person types it.
func typed(v pflag.Value) string {
	if list, ok := v.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return v.String()
}

// Quote returns s so that a shell reads it as one word.
func Quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,:=+@", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
