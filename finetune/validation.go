package finetune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/regular"
	"hymenoptera/run"
	"hymenoptera/shards"
)

// A NoDataError says that the images of a training are unknown or missing.
type NoDataError struct{ text string }

func (e *NoDataError) Error() string { return e.text }

// ValidationImages lists the images to measure a trained network on. checkpoint is its best.safetensors, and card the
// description in it. If data is "" or the folder of the training, the images are those that the training validated
// with. Otherwise they are those in data/val or, if there is no such folder, in data.
//
// Only a config.json beside the checkpoint names the folder of the training.
func ValidationImages(ctx context.Context, checkpoint string, card classify.Card, data string, log *slog.Logger) (*dataset.ImageFolder, error) {
	trained, err := ReadOptions(card)
	if err != nil {
		return nil, err
	}
	var config Options
	if err := run.ReadConfig(filepath.Dir(checkpoint), &config); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	switch {
	case data != "":
	case config.Data == "":
		return nil, &NoDataError{fmt.Sprintf("no %s beside %s says which pictures the network was trained with", run.ConfigFile, checkpoint)}
	case !regular.IsFolder(config.Data) && !shards.IsAddress(config.Data):
		return nil, &NoDataError{config.Data + ", which the network was trained with, is not there"}
	default:
		data = config.Data
	}
	if !regular.Same(data, config.Data) {
		if shards.Has(data) {
			_, val, err := Options{Data: data}.openShards(ctx, Hooks{Log: log})
			return val, err
		}
		if val := filepath.Join(data, "val"); regular.IsFolder(val) {
			data = val
		} else if trained.ValFraction > 0 {
			log.Warn(fmt.Sprintf("the training kept a share of its pictures for validation: if %s is a copy of them, most of its pictures were trained with", data))
		}
		return dataset.NewImageFolder(data)
	}
	trained.Data, trained.Exclude = data, config.Exclude
	_, val, err := trained.openSets(ctx, Hooks{Log: log})
	if err != nil || !trained.SkipCorrupt {
		return val, err
	}
	broken, err := val.Broken(ctx, machine.This().Processors())
	if err != nil {
		return nil, err
	}
	if len(broken) > 0 {
		log.Warn(fmt.Sprintf("left out %d of %d images, as in training", len(broken), len(val.Samples)))
	}
	return val.Without(broken)
}
