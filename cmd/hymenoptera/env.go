package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hymenoptera/torch"
)

func newEnv() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the compiler flags for a module of yours that imports these packages",
		Long: "Prints the environment with which go build compiles gotch and these packages inside another module.\n" +
			"The first build there takes some minutes: it compiles gotch's C++.",
		Example: `  eval "$(hymenoptera env)"`,
		Args:    usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib, gotch := torch.Folders()
			_, err := fmt.Fprintf(cmd.OutOrStdout(),
				"export CGO_CXXFLAGS='-O1 -w -include %[2]s/compat.h -I%[2]s -I%[1]s/include -I%[1]s/include/torch/csrc/api/include -D_GLIBCXX_USE_CXX11_ABI=1'\n"+
					"export CGO_LDFLAGS='-Wl,--no-as-needed -Wl,--allow-shlib-undefined -L%[2]s/stubs -L%[1]s/lib -ltorch_cpu -lc10 -Wl,-rpath,%[1]s/lib'\n",
				lib, gotch)
			return err
		},
	}
}
