package finetune

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/internal/malloc"
	"hymenoptera/internal/version"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/shards"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// config returns the content of config.json: the options, the command that repeats the run, and the versions and the data
// that it used.
func (p *plan) config(ctx context.Context, model zoo.Network) (any, error) {
	o := p.o
	command := p.hooks.Command(o)
	o.Device = p.mode.Device.String()
	var err error
	if o, err = o.absolute(); err != nil { // eval may be called from another working directory
		return nil, err
	}
	files, err := digest(ctx, p.set.val)
	if err != nil {
		return nil, err
	}
	return struct {
		Options
		run.Setup
	}{o, run.Setup{
		Command: command, Classes: p.set.train.Classes, TrainImages: len(p.set.train.Samples), ValImages: len(p.set.val.Samples), ValFiles: files, Skipped: p.set.skipped,
		Trainable: count(nn.Trainable(model)), Parameters: count(nn.Parameters(model)),
		Version: version.Own, Commit: version.Commit(), Libtorch: torch.Version(), CPUCapability: torch.CPUCapability(), Go: runtime.Version(),
	}}, nil
}

// absolute returns the options with paths of the data that are valid in any working directory.
func (o Options) absolute() (_ Options, err error) {
	if !shards.IsAddress(o.Data) {
		o.Data, err = filepath.Abs(o.Data)
	}
	if err == nil && o.Exclude != "" {
		o.Exclude, err = filepath.Abs(o.Exclude)
	}
	return o, err
}

// newCard returns the description of the weights in best.safetensors, without the phase in which training reached them. The
// file may be given away, so the card names no folders of this machine.
func newCard(o Options, classes []string, validation transforms.Transform) (classify.Card, error) {
	o.Data = ""
	if o.Exclude != "" {
		o.Exclude = filepath.Base(o.Exclude)
	}
	if !zoo.IsWeightsName(o.Weights) {
		o.Weights = filepath.Base(o.Weights)
	}
	config, err := json.Marshal(o)
	return classify.Card{Version: version.Own, Model: o.Model, Classes: classes, Preprocessing: validation, Config: config}, err
}

// ReadOptions returns the options of the training that card describes. Data is not among them.
func ReadOptions(card classify.Card) (o Options, err error) {
	if err := json.Unmarshal(card.Config, &o); err != nil {
		return o, fmt.Errorf("finetune: the metadata of the checkpoint are damaged: config is %.200q", card.Config)
	}
	return o, nil
}

// bestWeights returns a copy of the model's weights, with a card that describes the phase in which training reached them.
func (t *training) bestWeights(p metrics.Phase) (sd *checkpoint.StateDict, err error) {
	malloc.GiveBack() // free the memory of the epoch before all weights are copied
	err = torch.Do(context.Background(), func(*torch.Scope) error {
		sd = nn.Export(t.model)
		return nil
	})
	if err != nil {
		return nil, err
	}
	card := t.card
	card.Epoch, card.Accuracy, card.Loss = p.Epoch, p.Acc, p.Loss
	card.Calibration = classify.NewCalibration(t.report.best)
	sd.Metadata = card.Metadata()
	if !t.o.Best.Better(p, metrics.Phase{}) {
		sd.Metadata["kept"] = "the last epoch's weights: none got a validation image right"
	}
	if renormalised := transformInput(t.model); renormalised != "" {
		sd.Metadata[zoo.TransformInputKey] = renormalised
	}
	return sd, nil
}

// transformInput returns the value of [zoo.TransformInputKey] for a network, "" for none.
func transformInput(model zoo.Network) string {
	if g, ok := model.(*zoo.GoogLeNet); ok {
		return strconv.FormatBool(g.TransformInput())
	}
	return ""
}
