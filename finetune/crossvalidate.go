package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// A CrossValidator trains a linear layer on the features of a frozen network and applies it to images that it was not
// trained with.
type CrossValidator struct {
	o       Options
	hooks   Hooks
	device  torch.Device
	arch    zoo.Arch
	weights *checkpoint.StateDict // nil for random ones
	tf      transforms.Transform
}

// NewCrossValidator reads the network's weights and downloads them if they are published but not here. It uses the options
// Model, Weights, ImageSize, BatchSize, ExifRotate, Workers, Device, Threads, Seed, and those of downloads. For weights with a
// description it makes the network and preprocessing described. Like torch.Init it sets up libtorch for the whole process.
func NewCrossValidator(ctx context.Context, o Options, h Hooks) (c *CrossValidator, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c = &CrossValidator{o: o, hooks: h.filled()}
	if c.arch, err = zoo.Find(o.Model); err != nil {
		return nil, err
	}
	if c.weights, err = readWeights(ctx, o, c.arch, c.hooks); err != nil {
		return nil, err
	}
	c.tf = c.arch.Preprocessing(o.Weights, o.ImageSize)
	c.tf.Upright = o.ExifRotate
	if c.weights != nil {
		if card, err := classify.ReadCard(c.weights.Metadata); err == nil {
			if c.arch, err = zoo.Find(card.Model); err != nil {
				return nil, err
			}
			c.tf = card.Preprocessing
		}
	}
	c.device, err = torch.Init(torch.Options{Device: o.Device, Threads: o.Threads})
	return c, err
}

// Run returns the probabilities N×classes of every image of a folder, by a layer trained on the images of the other
// folds. There must be at least two folds.
func (c *CrossValidator) Run(ctx context.Context, folder *dataset.ImageFolder, fold []int) (probs [][]float64, err error) {
	o := c.o
	mode := trainer.ModeOf(c.device, false)
	loader, err := dataset.NewLoader(folder, c.tf, dataset.LoaderConfig{BatchSize: o.BatchSize, Workers: o.Workers, ChannelsLast: mode.ChannelsLast, Pixels: mode.Pixels})
	if err != nil {
		return nil, err
	}
	err = torch.Do(ctx, func(s *torch.Scope) error {
		torch.ManualSeed(o.Seed)
		var net zoo.Network
		if c.weights == nil {
			net = c.arch.New(s, int64(len(folder.Classes)))
		} else {
			var notes []string
			if net, notes, err = c.arch.LoadPretrained(s, c.weights); err != nil {
				return fmt.Errorf("%s: %w", o.Weights, err)
			}
			for _, note := range notes {
				c.hooks.Log.Debug(fmt.Sprintf("%s: %s", o.Weights, note))
			}
		}
		nn.To(net, c.device)
		if mode.ChannelsLast {
			nn.ToChannelsLast(net)
		}
		cfg := trainer.Config{Mode: mode, Hooks: trainer.Hooks{Step: c.hooks.Step}}
		features, err := trainer.Extract(ctx, s, zoo.Widen(net), loader, cfg)
		if err != nil {
			return err
		}
		vectors, width := features.Vectors()
		unit(vectors, width)
		probs = make([][]float64, len(fold))
		for k := range most(fold) + 1 {
			if err := ctx.Err(); err != nil {
				return err
			}
			probeFold(s, probe{vectors, width, folder, fold, k}, probs)
		}
		return nil
	})
	return probs, err
}

// unit scales every vector of N×width to length 1, so that contrast has no effect.
func unit(vectors []float32, width int) {
	for v := range slices.Chunk(vectors, width) {
		var squares float64
		for _, x := range v {
			// float64(…): without it, arm64 fuses the product with the sum.
			squares += float64(float64(x) * float64(x))
		}
		length := float32(math.Sqrt(max(squares, 1e-12)))
		for i := range v {
			v[i] /= length
		}
	}
}

func most(values []int) (m int) {
	for _, v := range values {
		m = max(m, v)
	}
	return m
}

// A linear layer is trained on all images at once, with Adam. Its loss is the sum of the losses of all images plus
// probePenalty/2 times the squared weights. These numbers were chosen on photographs and clothing with flipped labels.
const (
	probeSteps   = 200
	probeRate    = 0.005
	probePenalty = 100
)

// A probe is the training of a linear layer without the images of a fold.
type probe struct {
	vectors []float32 // N×width
	width   int
	folder  *dataset.ImageFolder
	fold    []int
	k       int
}

// probeFold trains the layer and sets the probabilities of the images of its fold.
func probeFold(s *torch.Scope, p probe, probs [][]float64) {
	s = s.Child()
	defer s.Close()
	var train, held []int
	for i, k := range p.fold {
		if k == p.k {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	if len(held) == 0 || len(train) == 0 {
		return
	}
	mean, scale := p.standard(train)
	labels := make([]int64, len(train))
	for i, sample := range train {
		labels[i] = int64(p.folder.Samples[sample].Label)
	}
	classes := len(p.folder.Classes)
	layer := nn.NewLinear(s, int64(p.width), int64(classes))
	params := nn.Parameters(layer)
	nn.SetRequiresGrad(layer, true)
	opt := optim.NewAdamGroups(s, []optim.Group{{Params: params, LR: probeRate}}, optim.AdamConfig{WeightDecay: probePenalty / float64(len(train))})
	x, y := p.matrix(s, train, mean, scale), torch.FromInt64s(s, labels, int64(len(labels)))
	schedule := optim.NewCosineAnnealingLR(opt, probeSteps)
	for range probeSteps {
		step := s.Child()
		opt.ZeroGrad()
		torch.Backward(torch.CrossEntropy(step, layer.Forward(step, x), y, nil, 0))
		opt.Step()
		schedule.Step()
		step.Close()
	}
	torch.NoGrad(func() {
		values := torch.Float32s(s, torch.Softmax(s, layer.Forward(s, p.matrix(s, held, mean, scale)), 1)) // N×classes
		for i, sample := range held {
			row := make([]float64, classes)
			for c := range row {
				row[c] = float64(values[i*classes+c])
			}
			probs[sample] = row
		}
	})
}

// leastVariance is the variance that rounding leaves in a constant feature, whose mean square is at most 1.
const leastVariance = 1e-10

// standard returns the mean and the reciprocal standard deviation of each feature over some samples.
func (p probe) standard(samples []int) (mean, scale []float64) {
	mean, scale = make([]float64, p.width), make([]float64, p.width)
	for _, i := range samples {
		for c, v := range p.vectors[i*p.width : (i+1)*p.width] {
			mean[c] += float64(v)
			scale[c] += float64(float64(v) * float64(v))
		}
	}
	n := float64(len(samples))
	for c := range mean {
		mean[c] /= n
		scale[c] = 1 / math.Sqrt(max(scale[c]/n-float64(mean[c]*mean[c]), leastVariance))
	}
	return mean, scale
}

// matrix returns the standardised features N×width of some samples.
func (p probe) matrix(s *torch.Scope, samples []int, mean, scale []float64) *torch.Tensor {
	out := make([]float32, 0, len(samples)*p.width)
	for _, i := range samples {
		for c, v := range p.vectors[i*p.width : (i+1)*p.width] {
			out = append(out, float32((float64(v)-mean[c])*scale[c]))
		}
	}
	return torch.FromFloat32s(s, out, int64(len(samples)), int64(p.width))
}
