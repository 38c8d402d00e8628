package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/version"
	"hymenoptera/torch"
)

// newRoot returns the command with all its sub-commands. When the flags have been read, it calls begin with the name of
// the command that begins.
func newRoot(stdout io.Writer, m *cli.Messages, begin func(command string)) *cobra.Command {
	root := &cobra.Command{
		Use:           "hymenoptera",
		Short:         "Fine-tune ImageNet networks on folders of images, on libtorch",
		Example:       "  hymenoptera demo\n  hymenoptera train --data my_pictures --epochs 5",
		Version:       versions(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cli.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			begin(cmd.Name())
			if err := cli.CheckValues(cmd.Flags()); err != nil {
				return err
			}
			return m.Check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(cli.FlagError)
	root.SetUsageFunc(cli.PrintUsage)
	root.SetHelpFunc(cli.PrintHelp)
	root.SetHelpCommand(cli.NewHelp())
	m.AddFlags(root)
	root.AddCommand(newTrain(m), newLaunch(m), newDemo(m), newEval(m), newPredict(m), newServe(m), newExport(), newPack(m), newInspect(), newCompare(m), newCheck(m), newDownload(m), newDoctor())
	cli.AddCompletion(root)
	return root
}

// versions returns the program's version, gotch's and libtorch's.
func versions() string {
	own := version.Own // scripts/dist.sh reads it as the second word
	if c := version.Commit(); c != "" {
		own += " (commit " + c + ")"
	}
	return fmt.Sprintf("hymenoptera %s\ngotch       %s\nlibtorch    %s", own, version.Gotch(), torch.Version())
}
