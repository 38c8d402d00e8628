package main

import (
	"io"

	"github.com/spf13/cobra"
)

// serveCommand is the name of the command that is a server.
const serveCommand = "serve"

// newRoot returns the command with all its sub-commands. begin is called when the flags are read and a
// command begins, with its name.
func newRoot(stdout io.Writer, m *messages, begin func(command string)) *cobra.Command {
	root := &cobra.Command{
		Use:           "hymenoptera",
		Short:         "Fine-tune ImageNet networks on folders of images, on libtorch",
		Example:       "  hymenoptera demo\n  hymenoptera train --data my_pictures --epochs 5",
		Version:       versions(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usage(noArgs),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			begin(cmd.Name())
			return m.check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(m.w)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(printUsage)
	root.SetHelpFunc(printHelp)
	root.SetHelpCommand(newHelp())
	m.addFlags(root.PersistentFlags())
	complete(root, "log-format", logFormats...)
	root.AddCommand(newTrain(m), newDemo(m), newEval(m), newPredict(m), newServe(m), newExport(), newInspect(), newCompare(), newDownload(m), newDoctor())
	addCompletion(root)
	return root
}

// addCompletion adds cobra's completion command, whose mistakes are usage errors too.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err)
	}
	completion.Example = "  source <(hymenoptera completion bash)"
	completion.Args = usage(noArgs)
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, shell := range completion.Commands() {
		shell.Args = usage(noArgs)
	}
}
