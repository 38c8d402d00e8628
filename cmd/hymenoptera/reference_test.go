package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
)

var update = flag.Bool("update", false, "write docs/cli.md")

// docs/cli.md contains the output of --help.
func TestReference(t *testing.T) {
	const file = "../../docs/cli.md"
	got := reference(newRoot(io.Discard, cli.NewMessages(io.Discard), func(string) {}))
	if *update {
		try(t, os.WriteFile(file, []byte(got), 0o666))
	}
	want, err := os.ReadFile(file)
	try(t, err)
	if got != string(want) {
		t.Errorf("%s is not what --help says: go test ./cmd/hymenoptera -run TestReference -update", file)
	}
}

// reference returns the help of every command as markdown: docs/cli.md.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# The command line\n\nWhat `--help` says of every command.\n" +
		"`go test ./cmd/hymenoptera -run TestReference -update` writes this file.\n")
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		var help strings.Builder
		cmd.SetOut(&help)
		cmd.Help()
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s```\n", cmd.CommandPath(), help.String())
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && cmd.Name() != "completion" { // cobra's own text
				visit(c)
			}
		}
	}
	visit(root)
	return b.String()
}

// Every command says its purpose in a line and has an example that names it; every flag says what it does.
func TestHelp(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.Contains(cmd.Short, "\n") || !strings.Contains(cmd.Example, "hymenoptera") {
			t.Errorf("%s: purpose %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && cmd.Name() != "completion" { // cobra's own have examples in their text
				visit(c)
			}
		}
	}
	visit(newRoot(io.Discard, cli.NewMessages(io.Discard), func(string) {}))
	code, help, stderr := command(t, "train", "--help")
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	last := -1
	for _, part := range []string{"Train a network", "Usage:", "Examples:", cli.GroupData + ":", "--data string", cli.GroupTraining + ":", "--epochs int", "(default 25)",
		cli.GroupMachine + ":", "--device", cli.GroupOutput + ":", "--out string", cli.GroupMessages + ":", "--quiet"} {
		at := strings.Index(help, part)
		if at <= last {
			t.Errorf("%q is missing, or not in its place", part)
		}
		last = at
	}
	for _, args := range [][]string{{"help", "download", "weights"}, {"download", "weights", "--help"}} {
		if code, help, _ := command(t, args...); code != 0 || !strings.Contains(help, "hymenoptera download weights [MODEL…] [flags]") {
			t.Errorf("%q: exit code %d, %s", args, code, help)
		}
	}
}

// The completion scripts exist, and the program answers their requests.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, script, stderr := command(t, "completion", shell); code != 0 || !strings.Contains(script, "hymenoptera") || stderr != "" {
			t.Errorf("%s: exit code %d, %d bytes, %q", shell, code, len(script), stderr)
		}
	}
	for _, tt := range []struct{ line, want string }{
		{"tr", "train\t"},
		{"train --mod", "--model\t"},
		{"train --model ", "resnet50\n"},
		{"train --scheduler ", "cosine\n"},
		{"train --device ", "cuda\n"},
		{"--log-format ", "json\n"},
		{"download weights goo", "googlenet\n"},
		{"help do", "doctor\n"},
	} {
		args := append([]string{"__complete"}, strings.Split(tt.line, " ")...)
		if code, out, _ := command(t, args...); code != 0 || !strings.Contains(out, tt.want) {
			t.Errorf("%q completes to %q, want %q among them", tt.line, out, tt.want)
		}
	}
}
