package finetune

import (
	"context"
	"fmt"

	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// fit trains the model or, with Probe, its head on features.
func (t *training) fit(ctx context.Context, s *torch.Scope, data trainer.Data, hooks trainer.Hooks) (best metrics.Phase, err error) {
	cfg := trainer.Config{Epochs: t.o.Epochs, Mode: t.mode, LabelSmoothing: t.o.LabelSmoothing, ClassWeights: float32s(t.o.ClassWeights),
		ClipNorm: t.o.ClipGradNorm, EMA: t.o.EMA, Best: t.o.Best, Head: t.model.Head(), HeadEpochs: t.o.HeadEpochs}
	if t.o.Fast && t.mode.Device != torch.CPU {
		if err := torch.LoadGraphs(); err != nil {
			t.hooks.Log.Debug(fmt.Sprintf("no CUDA graphs: %v", err))
		}
		if cfg.Resident, err = t.o.residentBytes(t.mode.Device, t.hooks.Log); err != nil {
			return best, err
		}
	}
	cfg.Optimizer = newOptimizer(s, t.model, t.o, t.mode)
	cfg.Scheduler, cfg.ByStep = newScheduler(cfg.Optimizer, t.o, t.o.Epochs*data.Train.Batches()), t.o.WarmUp > 0
	cfg.Hooks, cfg.Group = hooks, t.o.Group
	if t.stopped != "" {
		cfg.Epochs = t.resumed.Epoch
	}
	cfg.Resume, t.resumed = t.resumed, nil
	if t.o.Probe {
		return t.fitHead(ctx, s, data, cfg)
	}
	if best, err = trainer.Fit(ctx, s, t.model, data, cfg); err == nil {
		err = t.compareWeights(ctx)
	}
	return best, err
}

// fitHead trains the head on the features of the rest.
func (t *training) fitHead(ctx context.Context, s *torch.Scope, data trainer.Data, cfg trainer.Config) (best metrics.Phase, err error) {
	t.hooks.Log.Info(fmt.Sprintf("computing the features of %d views and %d validation images", max(t.o.Views, 1)*data.Train.Len(), data.Val.Len()))
	extracting := cfg
	extracting.Views = t.o.Views
	cfg.Fold, cfg.BFloat16 = false, false
	var features trainer.FeatureData
	if features.Train, err = trainer.Extract(ctx, s, zoo.Embed(t.model), data.Train, extracting); err != nil {
		return best, err
	}
	extracting.Views = 1
	if features.Val, err = trainer.Extract(ctx, s, zoo.Embed(t.model), data.Val, extracting); err != nil {
		return best, err
	}
	return trainer.FitFeatures(ctx, s, t.model.Top(), features, cfg)
}

func float32s(vs []float64) (fs []float32) {
	for _, v := range vs {
		fs = append(fs, float32(v))
	}
	return fs
}
