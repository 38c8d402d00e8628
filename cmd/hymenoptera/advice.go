package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/finetune"
	"hymenoptera/hub"
	"hymenoptera/internal/cli"
	"hymenoptera/run"
	"hymenoptera/shards"
	"hymenoptera/torch"
	"hymenoptera/trainer"
)

// flagOf returns the flag of an option: --batch-size for batch_size.
func flagOf(option string) string {
	if option == "only_classes" {
		return "--classes"
	}
	return "--" + strings.ReplaceAll(option, "_", "-")
}

// withFlags returns an error about an option as an error about its flag.
func withFlags(err error) error {
	var option *finetune.OptionError
	if errors.As(err, &option) {
		return errors.New(option.Text(flagOf))
	}
	return err
}

// advise adds a suggestion to an error of a training with the options o.
func advise(err error, o finetune.Options) error {
	var held *run.HeldError
	var folder *run.FolderError
	var sample *dataset.SampleError
	var noVal *finetune.NoValError
	var diverged *trainer.LossError
	var download *finetune.DownloadError
	err = adviseIndex(adviseDevice(adviseMirror(withFlags(err))))
	switch {
	case errors.As(err, &held):
		return fmt.Errorf("%w; choose another --out, or add --overwrite to replace it", err)
	case errors.As(err, &folder) && folder.Full:
		return fmt.Errorf("%w; make room there, or choose another --out", err)
	case errors.As(err, &folder):
		return fmt.Errorf("%w; choose another --out", err)
	case errors.As(err, &sample) && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; bring it back", err)
	case errors.As(err, &sample) && !o.SkipCorrupt:
		return fmt.Errorf("%w; mend it, remove it, or add --skip-corrupt to leave out all such files", err)
	case errors.As(err, &noVal):
		return fmt.Errorf("%w; or add --val-fraction 0.2 to validate with a fifth of the pictures", err)
	case errors.As(err, &diverged) && diverged.Files == nil:
		return fmt.Errorf("%w; a lower --lr may help; without --fast the message names the batch", err)
	case errors.As(err, &diverged):
		return fmt.Errorf("%w; a lower --lr may help", err)
	case errors.As(err, &download) && download.Option == "data":
		return fmt.Errorf("%w; --data takes any other folder", err)
	case errors.As(err, &download):
		return fmt.Errorf("%w, or pass --weights FILE", err)
	}
	return err
}

// adviseDevice adds a suggestion to an error about a device that cannot be used.
func adviseDevice(err error) error {
	var unusable *torch.DeviceError
	if errors.As(err, &unusable) {
		return fmt.Errorf("%w; --device cpu computes on the processor", err)
	}
	return err
}

// adviseIndex adds a suggestion to an error about an index of shards.
func adviseIndex(err error) error {
	var stale *shards.StaleError
	if errors.As(err, &stale) {
		return fmt.Errorf("%w; hymenoptera pack --index writes it again", err)
	}
	return err
}

// adviseMirror adds a suggestion to an error about a mirror, which is a mistake in the command line.
func adviseMirror(err error) error {
	var mirror *hub.MirrorError
	var insecure *hub.InsecureError
	switch {
	case errors.As(err, &mirror):
		return cli.Usagef("--mirror: %w", err)
	case errors.As(err, &insecure):
		return cli.Usagef("%w; take an https:// address, or add --insecure-mirror where you trust the network", err)
	}
	return err
}
