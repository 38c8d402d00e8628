package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"hymenoptera/torch"
)

// version is this program's own.
const version = "0.1.0"

// newRoot returns the command with all its sub-commands.
func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "hymenoptera",
		Short:         "Fine-tune ImageNet networks on folders of images, on libtorch",
		Version:       versions(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usage(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())}
	})
	root.AddCommand(newTrain(), newDemo(), newInspect(), newCompare(), newDownload(), newEnv())
	return root
}

// usage turns the errors of a check of positional arguments into usage errors.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// versions returns ours, gotch's and libtorch's.
func versions() string {
	return fmt.Sprintf("hymenoptera %s\ngotch       %s\nlibtorch    %s", version, gotchVersion(), torch.Version())
}

func gotchVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/sugarme/gotch" {
				return m.Version[1:]
			}
		}
	}
	return "unknown"
}
