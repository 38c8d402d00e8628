package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hymenoptera/finetune"
	"hymenoptera/hub"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/text"
	"hymenoptera/shards"
)

func newPack(m *cli.Messages) *cobra.Command {
	o := finetune.DefaultOptions()
	mb, index := int64(256), false
	cmd := &cobra.Command{
		Use:   "pack DATA OUT",
		Short: "Write a set of pictures as tar shards, for many pictures and for networks",
		Long: "Writes the pictures of DATA, as train takes it, into tar files in the new folder OUT: train-000000.tar, val-000000.tar and so on,\n" +
			"in the layout of WebDataset (CLASS/NAME.jpg and CLASS/NAME.cls), and their index. train and eval take OUT, or its address on\n" +
			"a web server, as --data. The files of the pictures stay as they are. The order of the training pictures is random.\n\n" +
			"With --index it writes the index of shards that are in DATA already, train-*.tar and val-*.tar.",
		Example: "  hymenoptera pack my_pictures packed\n" +
			"  hymenoptera train --data packed\n" +
			"  hymenoptera pack --index shards_of_another_program",
		Args: func(cmd *cobra.Command, args []string) error {
			if index {
				return cli.OneArg("DATA")(cmd, args)
			}
			return cli.TwoArgs("DATA", "OUT")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Data = args[0]; index {
				for _, other := range []string{"shard-size", "classes", "exclude", "val-fraction", "skip-corrupt", "seed"} {
					if cmd.Flags().Changed(other) {
						return cli.Usagef("--%s has no effect with --index: leave one of them out", other)
					}
				}
				return reindex(cmd, m, o.Data)
			}
			return advise(pack(cmd, m, o, args[1], mb), o)
		},
	}
	train := pflag.NewFlagSet("", pflag.ContinueOnError)
	addOptions(train, &o)
	f := cmd.Flags()
	for _, name := range []string{"classes", "val-fraction", "skip-corrupt"} {
		f.AddFlag(train.Lookup(name))
	}
	f.Int64Var(&mb, "shard-size", mb, "size of a shard in MB (1,000,000 bytes), which a picture may exceed")
	f.BoolVar(&index, "index", false, "write the index of the shards in DATA")
	f.StringVar(&o.Exclude, "exclude", o.Exclude, "file with a list of images to leave out, paths below DATA, as check --exclude-to writes it")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the order of the training pictures, and of --val-fraction")
	cli.Group(f, cli.GroupData, "classes", "exclude", "val-fraction", "skip-corrupt", "seed")
	cli.Group(f, cli.GroupOutput, "shard-size", "index")
	return cmd
}

// pack writes the shards of o.Data.
func pack(cmd *cobra.Command, m *cli.Messages, o finetune.Options, out string, mb int64) error {
	if mb < 1 || mb > 4000 {
		return cli.Usagef("--shard-size %d: want 1 to 4000", mb)
	}
	if err := o.Validate(); err != nil {
		return &cli.UsageError{Err: withFlags(err)}
	}
	if err := checkInputs(flagPath{"exclude", o.Exclude}); err != nil {
		return err
	}
	if err := shards.CheckOut(out); err != nil {
		return err
	}
	train, val, err := finetune.Images(cmd.Context(), o, finetune.Hooks{Log: m.Logger()})
	if err != nil {
		return err
	}
	po := shards.DefaultPackOptions()
	po.Bytes, po.Seed = mb*1e6, o.Seed
	po.Progress = func(done, n int) { m.ShowImages("packing", done, n) }
	x, err := shards.Pack(cmd.Context(), out, train, val, po)
	m.EndBar()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\nhymenoptera train --data %s\n", text.Printable(out), listed(x), cli.Quote(out))
	return nil
}

// reindex writes the index of existing shards.
func reindex(cmd *cobra.Command, m *cli.Messages, dir string) error {
	x, err := shards.Reindex(cmd.Context(), dir, func(done, n int) { m.ShowImages("reading shards", done, n) })
	m.EndBar()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", text.Printable(filepath.Join(dir, shards.IndexFile)), listed(x))
	return nil
}

// listed describes the contents of an index.
func listed(x *shards.Index) string {
	pictures, bytes := 0, int64(0)
	for _, s := range x.Shards {
		pictures, bytes = pictures+len(s.Members), bytes+s.Bytes
	}
	return fmt.Sprintf("%s pictures of %s in %s, %s", text.Thousands(pictures), plural(len(x.Classes), "class", "classes"), plural(len(x.Shards), "shard", "shards"), hub.Bytes(bytes))
}
