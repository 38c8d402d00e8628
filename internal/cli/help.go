package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Groups of flags, in the order in which help shows them.
const (
	GroupData     = "Data and weights"
	GroupTraining = "Training"
	GroupMachine  = "Machine"
	GroupOutput   = "Output"
	GroupServer   = "Server"
	GroupLimits   = "Limits"
	GroupOther    = "Flags"
	GroupMessages = "Messages"
)

var groups = []string{GroupData, GroupTraining, GroupMachine, GroupOutput, GroupServer, GroupLimits, GroupOther, GroupMessages}

// groupKey is a flag's annotation with its group. Flags without one are in GroupOther.
const groupKey = "hymenoptera_group"

// Group puts flags into a group of the help.
func Group(f *pflag.FlagSet, group string, names ...string) {
	for _, name := range names {
		if err := f.SetAnnotation(name, groupKey, []string{group}); err != nil {
			panic(err) // no such flag
		}
	}
}

// groupOf returns the group that help shows a flag in.
func groupOf(f *pflag.Flag) string {
	if g := f.Annotations[groupKey]; len(g) == 1 {
		return g[0]
	}
	return GroupOther
}

// PrintHelp prints the description of a command and its usage.
func PrintHelp(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s\n\n", cmd.Short)
	if cmd.Long != "" {
		fmt.Fprintf(w, "%s\n\n", strings.TrimSpace(cmd.Long))
	}
	PrintUsage(cmd)
}

// PrintUsage prints cobra's default usage, with the flags in groups.
func PrintUsage(cmd *cobra.Command) error {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintln(w, "\nCommands:")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	printFlags(w, cmd)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s COMMAND --help says more about a command.\n", cmd.CommandPath())
	}
	return nil
}

func printFlags(w io.Writer, cmd *cobra.Command) {
	byGroup := map[string]*pflag.FlagSet{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		g := groupOf(f)
		if byGroup[g] == nil {
			byGroup[g] = pflag.NewFlagSet(g, pflag.ContinueOnError)
			byGroup[g].SortFlags = false
		}
		byGroup[g].AddFlag(f)
	})
	for _, g := range groups {
		if f := byGroup[g]; f != nil && f.HasAvailableFlags() {
			fmt.Fprintf(w, "\n%s:\n%s", g, f.FlagUsages())
		}
	}
}

// NewHelp returns cobra's help command, with an exit code for commands that do not exist.
func NewHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Describe a command",
		Example: "  hymenoptera help train",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &UsageError{err}
			}
			if err := NoArgs(target, rest); err != nil {
				return err
			}
			target.InitDefaultHelpFlag()
			target.InitDefaultVersionFlag()
			return target.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			if target, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range target.Commands() {
					names = append(names, c.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// Complete offers the words of a flag to the shell.
func Complete(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(slices.Clone(words), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag
	}
}

// AddCompletion adds cobra's completion command, whose mistakes are usage errors too.
func AddCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err)
	}
	completion.Example = "  source <(" + root.Name() + " completion bash)"
	completion.Args = NoArgs
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, shell := range completion.Commands() {
		shell.Args = NoArgs
	}
}
