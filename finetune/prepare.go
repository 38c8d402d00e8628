package finetune

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/disk"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// A plan is everything that a training needs before its network is made.
type plan struct {
	o       Options     // checked, with the choices of the recipe
	from    *Checkpoint // to resume from; nil for a new run
	hooks   Hooks
	arch    zoo.Arch
	mode    trainer.Mode
	beneath metrics.History // to draw beneath the curves, or nil

	set        images
	files      []byte // the list of their files
	validation transforms.Transform
	loaders    trainer.Data
	weights    *checkpoint.StateDict // nil for random ones, and if from has them
}

// prepare reads the images and the weights that a training begins with. It downloads them if they are published but not
// here.
func prepare(ctx context.Context, o Options, device torch.Device, from *Checkpoint, h Hooks) (p *plan, err error) {
	p = &plan{o: o, from: from, hooks: h, mode: trainer.ModeOf(device, o.Fast)}
	if p.arch, err = zoo.Find(o.Model); err != nil {
		return nil, err
	}
	if p.beneath, err = readBeneath(o.Beneath); err != nil {
		return nil, err
	}
	if err := p.readImages(ctx); err != nil {
		return nil, err
	}
	if from == nil || o.Probe { // else the checkpoint has the weights
		if p.weights, err = readWeights(ctx, p.beginning(), p.arch, h); err != nil {
			return nil, err
		}
	}
	if o.Balance == "weights" {
		p.o.ClassWeights = balanced(p.set.train)
	}
	return p, nil
}

// readImages lists the images, lets the recipe choose options, checks the options against the images, and makes the loaders.
func (p *plan) readImages(ctx context.Context) (err error) {
	if p.set, err = openImages(ctx, p.o, p.hooks); err != nil {
		return err
	}
	if p.o.Recipe == "auto" && p.from == nil {
		p.o = p.o.chooseFirst().chooseBy(p.set.train.Counts())
		if err := p.o.Validate(); err != nil {
			return err
		}
		if err := p.hooks.Chosen(p.o); err != nil {
			return err
		}
	}
	if p.files, err = p.set.listFiles(ctx, p.o.Data); err != nil {
		return err
	}
	if err := p.compareGroup(ctx); err != nil {
		return err
	}
	if err := p.useNCCL(ctx); err != nil {
		return err
	}
	if p.from != nil {
		p.from.regroup(p.o.processes())
		if err := p.from.checkImages(p.files, p.set); err != nil {
			return err
		}
	}
	if err := p.set.check(p.o, p.arch); err != nil {
		return err
	}
	for _, line := range p.set.describe(p.o) {
		p.hooks.Log.Info(line)
	}
	if p.from == nil {
		for _, w := range startWarnings(p.set, p.o) {
			p.hooks.Warn(w)
		}
	}
	p.validation = p.arch.Preprocessing(p.o.Weights, p.o.ImageSize)
	p.validation.Upright = p.o.ExifRotate
	p.loaders, err = newLoaders(p.set, p.o, p.mode, p.validation, p.hooks.Log)
	return err
}

// beginning returns the options, with a path of the weights' file that is valid here.
func (p *plan) beginning() Options {
	o := p.o
	if p.from != nil && p.from.WeightsFile != "" {
		o.Weights = p.from.WeightsFile
	}
	return o
}

// network makes the network, on its device, and returns the origin of its training.
func (p *plan) network(s *torch.Scope) (model zoo.Network, from origin, err error) {
	if p.from == nil || p.o.Probe {
		model, err = newNetwork(s, p.o, p.weights, p.set.train.Classes, p.hooks.Log)
		p.weights = nil // they take much memory
	} else {
		model, err = p.from.network(s, p.o, p.arch)
	}
	if err != nil {
		return nil, from, err
	}
	if from, err = newOrigin(p.beginning(), p.mode.Device, model); err != nil {
		return nil, from, err
	}
	nn.To(model, p.mode.Device)
	if p.mode.ChannelsLast {
		nn.ToChannelsLast(model)
	}
	if p.o.SyncBN && p.o.Group != nil {
		nn.SyncBatchNorm(model, p.o.Group.BatchNorm)
	}
	return model, from, nil
}

// begin makes the network and the folder of the run. The caller closes the training's folder.
func (p *plan) begin(ctx context.Context, s *torch.Scope, sys disk.System) (t *training, err error) {
	o, h := p.o, p.hooks
	model, from, err := p.network(s)
	if err != nil {
		return nil, err
	}
	card, err := newCard(o, p.set.train.Classes, p.validation)
	if err != nil {
		return nil, err
	}
	folder, err := p.folder(ctx, sys, model)
	if err != nil {
		return nil, err
	}
	t = &training{o: o, hooks: h, mode: p.mode, model: model, folder: folder, card: card,
		report: &reporter{o: o, set: p.set, mode: p.mode, validation: p.validation, folder: folder, log: h.Log, scope: s,
			written: sync.OnceFunc(func() { h.Report(filepath.Join(folder.Path(), run.ReportFile)) })},
		origin: from, files: p.files, steps: p.loaders.Train.Batches(), start: time.Now(), better: -1}
	t.saver = run.NewSaver(folder, t.bestWeights, h.Log)
	t.report.begin(h.Command(o), p.beneath)
	if p.from != nil {
		if err := t.resume(p.from); err != nil {
			folder.Close()
			return nil, err
		}
	}
	return t, nil
}

// folder begins the run's folder or, with a checkpoint, reopens it.
func (p *plan) folder(ctx context.Context, sys disk.System, model zoo.Network) (*run.Folder, error) {
	config, err := p.config(ctx, model)
	if err != nil {
		return nil, err
	}
	if p.from != nil {
		return p.from.folder(sys, config)
	}
	f, err := run.CreateOn(sys, p.o.Out, p.o.Overwrite)
	if err != nil {
		return nil, err
	}
	if err := f.WriteConfig(config); err != nil {
		f.Close()
		return nil, err
	}
	if f.KeepsOld() {
		p.hooks.Log.Info(p.o.Out + " keeps the old run until the new one has its first weights")
	}
	return f, nil
}
