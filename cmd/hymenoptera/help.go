package main

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
	groupData     = "Data and weights"
	groupTraining = "Training"
	groupMachine  = "Machine"
	groupOutput   = "Output"
	groupServer   = "Server"
	groupLimits   = "Limits"
	groupOther    = "Flags"
	groupMessages = "Messages"
)

var groups = []string{groupData, groupTraining, groupMachine, groupOutput, groupServer, groupLimits, groupOther, groupMessages}

// groupKey is a flag's annotation with its group. Flags without one are in groupOther.
const groupKey = "hymenoptera_group"

// inGroup puts flags into a group.
func inGroup(f *pflag.FlagSet, group string, names ...string) {
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
	return groupOther
}

// printHelp is a command's purpose in a line, more about it where there is more, and its usage.
func printHelp(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s\n\n", cmd.Short)
	if cmd.Long != "" {
		fmt.Fprintf(w, "%s\n\n", strings.TrimSpace(cmd.Long))
	}
	printUsage(cmd)
}

// printUsage is cobra's default usage with the flags in groups.
func printUsage(cmd *cobra.Command) error {
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

// newHelp is cobra's help command, with an exit code for commands that do not exist.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Say what a command does",
		Example: "  hymenoptera help train",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = noArgs(target, rest)
			}
			if err != nil {
				return usageError{err}
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

// complete offers the words of a flag to the shell.
func complete(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(slices.Clone(words), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag
	}
}
