package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/internal/malloc"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// A job is one training with all that it needs at hand.
type job struct {
	options
	arch        zoo.Arch
	classes     []string
	lossWeights []float64 // of the classes; nil for none
	train, val  *dataset.Loader
	sets        [2]*dataset.ImageFolder // train and val
	weights     *checkpoint.StateDict   // nil with --weights none, and once the model holds them
	folder      *run.Folder
	model       zoo.Network
	reporter    *reporter
	skipped     []string // images left out by --skip-corrupt
	mode        trainer.Mode
	stdout      io.Writer
	messages    *messages
}

// newJob reads data and weights, and fetches them where they are published and not here; nothing of the run
// is written yet.
func newJob(ctx context.Context, o options, device torch.Device, stdout io.Writer, m *messages) (*job, error) {
	j := &job{options: o, mode: trainer.ModeOf(device, o.Fast), stdout: stdout, messages: m}
	var err error
	if j.arch, err = zoo.Find(o.Model); err != nil {
		return nil, err
	}
	folder, err := o.dataFolder(ctx, newProgress(m))
	if err != nil {
		return nil, err
	}
	if err := j.openData(ctx, folder); err != nil {
		return nil, err
	}
	if o.Weights != "none" {
		file, err := o.weightsFile(ctx, j.arch, newProgress(m))
		if err != nil {
			return nil, err
		}
		if j.weights, err = checkpoint.Read(file); err != nil {
			return nil, err
		}
		if j.weights.Wrapper != "" {
			m.info("%s: took the state dict %q", o.Weights, j.weights.Wrapper)
		}
	}
	j.reporter, err = newReporter(j)
	return j, err
}

func (j *job) run(ctx context.Context) error {
	return torch.Do(ctx, func(s *torch.Scope) (err error) {
		if err := j.build(s); err != nil {
			return err
		}
		nn.To(j.model, j.mode.Device)
		if j.mode.ChannelsLast {
			nn.ToChannelsLast(j.model)
		}

		if j.folder, err = run.Create(j.Out, j.Overwrite); err != nil {
			return err
		}
		defer j.folder.Close()
		if err := j.folder.WriteConfig(j.config()); err != nil {
			return err
		}
		if j.folder.KeepsOld() {
			j.messages.info("%s keeps the old run until the new one has its first weights", j.Out)
		}
		cfg, err := j.trainerConfig()
		if err != nil {
			return err
		}
		if j.Trace != "" {
			t, err := newTrace(s, j.Trace)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, t.close()) }()
			cfg.Hooks.Tensor = t.write
		}
		log := newConsole(j)
		j.reporter.scope = s
		cfg.Hooks.EpochStart, cfg.Hooks.Step, cfg.Hooks.Batch = log.epochStart, log.step, j.reporter.batch
		cfg.Hooks.PhaseEnd, cfg.Hooks.Best, cfg.Hooks.EpochEnd = log.phaseEnd, log.newBest, log.epochEnd
		cfg.Optimizer = j.optimizer(s)
		cfg.Scheduler = j.scheduler(cfg.Optimizer)
		best, err := j.fit(ctx, s, cfg, log)
		j.reporter.work.wait()
		if lost := log.secure(best, err); err == nil {
			err = lost
		} else if lost != nil && !errors.Is(err, lost) {
			j.messages.warn("the best weights could not be saved: %v", lost)
		}
		j.reporter.end(ctx, log.saved, err)
		return log.end(best, err)
	})
}

// trainerConfig says how to train.
func (j *job) trainerConfig() (cfg trainer.Config, err error) {
	cfg = trainer.Config{Epochs: j.Epochs, Mode: j.mode, LabelSmoothing: j.LabelSmoothing, ClassWeights: float32s(j.lossWeights)}
	if j.Fast && j.mode.Device != torch.CPU {
		if err := torch.LoadGraphs(); err != nil {
			j.messages.debug("no CUDA graphs: %v", err)
		}
		cfg.Resident, err = j.residentBytes()
	}
	return cfg, err
}

// fit trains the model or, with --probe, its head on features.
func (j *job) fit(ctx context.Context, s *torch.Scope, cfg trainer.Config, log *console) (best metrics.Phase, err error) {
	if !j.Probe {
		return trainer.Fit(ctx, s, j.model, trainer.Data{Train: j.train, Val: j.val}, cfg)
	}
	j.messages.info("computing the features of %d views and %d validation images", max(j.Views, 1)*j.train.Len(), j.val.Len())
	extracting := cfg
	extracting.Views = j.Views
	cfg.Fold, cfg.BFloat16 = false, false
	var features trainer.FeatureData
	if features.Train, err = trainer.Extract(ctx, s, zoo.Embed(j.model), j.train, extracting); err != nil {
		return best, err
	}
	log.clearBar()
	extracting.Views = 1
	if features.Val, err = trainer.Extract(ctx, s, zoo.Embed(j.model), j.val, extracting); err != nil {
		return best, err
	}
	log.clearBar()
	return trainer.FitFeatures(ctx, s, j.model.Top(), features, cfg)
}

func (j *job) optimizer(s *torch.Scope) optim.Optimizer {
	params := nn.Trainable(j.model)
	if j.Optimizer == "sgd" {
		return optim.NewSGD(s, params, optim.SGDConfig{LR: j.LR, Momentum: j.Momentum, Nesterov: j.Nesterov, WeightDecay: j.WeightDecay,
			Fused: j.mode.Fused, Capturable: j.mode.Graph})
	}
	return optim.NewAdam(s, params, optim.AdamConfig{LR: j.LR, WeightDecay: j.WeightDecay, Decoupled: j.Optimizer == "adamw"})
}

func (j *job) scheduler(opt optim.Optimizer) optim.Scheduler {
	switch j.Scheduler {
	case "cosine":
		return optim.NewCosineAnnealingLR(opt, j.Epochs)
	case "exponential":
		return optim.NewExponentialLR(opt, j.Gamma)
	}
	return optim.NewStepLR(opt, j.StepSize, j.Gamma)
}

// build makes the model: the seed comes right before the new head or, without weights, before the model.
func (j *job) build(s *torch.Scope) error {
	classes := int64(len(j.classes))
	if j.weights == nil {
		torch.ManualSeed(j.Seed)
		j.model = j.arch.New(s, classes)
		if j.Freeze {
			nn.SetRequiresGrad(j.model, false)
			nn.SetRequiresGrad(j.model.Head(), true)
		}
	} else {
		var notes []string
		var err error
		if j.model, notes, err = j.arch.LoadPretrained(s, j.weights); err != nil {
			return fmt.Errorf("%s: %w", j.Weights, err)
		}
		for _, note := range notes {
			j.messages.info("%s: %s", j.Weights, note)
		}
		j.weights = nil   // the model holds them now
		malloc.GiveBack() // as much as the model takes
		if j.Freeze {
			nn.SetRequiresGrad(j.model, false)
		}
		torch.ManualSeed(j.Seed)
		zoo.ReplaceHead(s, j.model, classes)
	}
	j.messages.info("%s: trainable %s of %s parameters", j.Model,
		thousands(count(nn.Trainable(j.model))), thousands(count(nn.Parameters(j.model))))
	return nil
}

// config is what config.json holds.
func (j *job) config() any {
	return struct {
		options
		Device        string   `json:"device"`
		Classes       []string `json:"classes"`
		TrainImages   int      `json:"train_images"`
		ValImages     int      `json:"val_images"`
		Trainable     int      `json:"trainable_parameters"`
		Parameters    int      `json:"parameters"`
		Skipped       []string `json:"skipped_images,omitempty"`
		Version       string   `json:"version"`
		Commit        string   `json:"commit,omitempty"`
		Libtorch      string   `json:"libtorch"`
		CPUCapability string   `json:"cpu_capability"`
		Go            string   `json:"go"`
	}{j.used(), j.mode.Device.String(), j.classes, j.train.Len(), j.val.Len(),
		count(nn.Trainable(j.model)), count(nn.Parameters(j.model)), j.skipped, version, commit(), torch.Version(), torch.CPUCapability(), runtime.Version()}
}

func count(ps []*torch.Tensor) (n int) {
	for _, p := range ps {
		n += p.Numel()
	}
	return n
}

func float32s(vs []float64) (fs []float32) {
	for _, v := range vs {
		fs = append(fs, float32(v))
	}
	return fs
}
