package trainer

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A Group is the processes that train one model together, as with torch's DistributedDataParallel: each takes its share of
// the images (see [dataset.Share]), gradients are averaged, and the buffers are those of rank 0. [dist.Group] is one. Each
// method waits until every process has called it. If it fails, it ends the enclosing torch.Do with its error.
//
// [dist.Group]: https://pkg.go.dev/hymenoptera/torch/dist#Group
type Group interface {
	Rank() int // 0 to Size()-1
	Size() int
	// Broadcast gives the tensors rank 0's values.
	Broadcast(ts []*torch.Tensor)
	// Sum replaces numbers by their sums over the processes.
	Sum(numbers []float64)
	// Gather returns the data of every process, by rank.
	Gather(data []byte) [][]byte
	// Train makes Backward average the gradients of these parameters over the processes, in buckets, which are nil or, in a
	// resumed training, those that Buckets returned before.
	Train(params []*torch.Tensor, buckets []int64)
	Backward(loss *torch.Tensor)
	Buckets() []int64
}

// ErrStopped says that another process of the group was cancelled.
var ErrStopped = errors.New("trainer: another process was stopped")

// join gives every process rank 0's weights.
func (l *loop) join() {
	if l.cfg.Group == nil {
		return
	}
	var all []*torch.Tensor
	for _, e := range nn.StateDict(l.model) {
		all = append(all, e.Tensor)
	}
	l.cfg.Group.Broadcast(all)
	if l.cfg.HeadEpochs == 0 { // otherwise chooseTrained does it
		l.shareGradients()
	}
}

// shareGradients averages the gradients of the parameters that are trained now.
func (l *loop) shareGradients() {
	if l.cfg.Group != nil {
		l.cfg.Group.Train(nn.Trainable(l.model), l.buckets)
		l.buckets = nil
	}
}

// shareBuffers gives every process rank 0's BatchNorm statistics, because they differ after each training step.
func (l *loop) shareBuffers() {
	if l.cfg.Group == nil {
		return
	}
	var buffers []*torch.Tensor
	for _, e := range nn.StateDict(l.model) {
		if !e.Parameter {
			buffers = append(buffers, e.Tensor)
		}
	}
	l.cfg.Group.Broadcast(buffers)
}

func (l *loop) backward(loss *torch.Tensor) {
	if l.cfg.Group != nil {
		l.cfg.Group.Backward(loss)
		return
	}
	torch.Backward(loss)
}

// cancelled returns the context that ends the work of a process: in a group, whose processes end after the same step, none
// does.
func (l *loop) cancelled(ctx context.Context) context.Context {
	if l.cfg.Group != nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// A decision is what the processes do after a step.
type decision struct {
	cause error // that ends the training, or nil
	due   bool  // a checkpoint
	done  bool  // every process has ended the phase
}

// decide makes all processes stop if one is cancelled, and follow rank 0's decision about a checkpoint.
func (l *loop) decide(ctx context.Context, done bool) (d decision) {
	cancelled := context.Cause(ctx)
	ask := func(due bool) []float64 {
		numbers := []float64{number(cancelled != nil), number(due && l.cfg.Group.Rank() == 0), number(done)}
		l.cfg.Group.Sum(numbers)
		return numbers
	}
	numbers := ask(l.due(l.moment(nil)))
	if numbers[0] > 0 {
		if d.cause = context.Cause(ctx); d.cause == nil { // a signal to all processes may come to this one last
			d.cause = ErrStopped
		}
		numbers = ask(l.due(l.moment(context.Canceled)))
	}
	d.due, d.done = numbers[1] > 0, int(numbers[2]) == l.cfg.Group.Size()
	return d
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// endSharedStep ends a step of a group, and reports whether every process has ended its phase.
func (l *loop) endSharedStep(ctx context.Context, done bool) (bool, error) {
	d := l.decide(ctx, done)
	if d.due {
		if l.cfg.Group.Rank() != 0 {
			l.gatherParts()
		} else if err := l.cfg.Hooks.Checkpoint(l.moment(d.cause)); err != nil {
			return d.done, err
		}
	}
	return d.done, d.cause
}

// combine turns this process's phase, whose batches are done, into that of all processes.
func (l *loop) combine(ctx context.Context, s *torch.Scope) error {
	if l.cfg.Group == nil {
		return nil
	}
	if l.phase == "val" { // other processes can have one more batch, and all decide together after each
		for all := false; !all; {
			var err error
			if all, err = l.endSharedStep(ctx, true); err != nil {
				return err
			}
		}
		l.reportShares(s)
	}
	l.total(l.pass)
	return nil
}

// total adds up a phase over the processes.
func (l *loop) total(p *pass) {
	loss, corrects := p.sums.get()
	numbers := []float64{loss, float64(corrects), float64(p.done)}
	if p.Name == "val" && l.cfg.Best == metrics.ByMacroF1 {
		l.fillConfusion(p)
	}
	for _, row := range p.confusion {
		for _, n := range row {
			numbers = append(numbers, float64(n))
		}
	}
	l.cfg.Group.Sum(numbers)
	p.sums.set(numbers[0], int(numbers[1]))
	p.N = int(numbers[2])
	for i, row := range p.confusion {
		for j := range row {
			row[j] = int(numbers[3+i*len(row)+j])
		}
	}
}

// fillConfusion makes the confusion of a process without validation images as large as those of the others.
func (l *loop) fillConfusion(p *pass) {
	for _, size := range l.cfg.Group.Gather(binary.LittleEndian.AppendUint64(nil, uint64(len(p.confusion)))) {
		if n := binary.LittleEndian.Uint64(size); p.confusion == nil && n > 0 {
			p.confusion = newConfusion(int(n))
		}
	}
}

// A share has the results of a process of a group for its validation images, which rank 0 reports.
type share struct {
	samples []int
	labels  []int64
	logits  []*torch.Tensor // N×classes per batch
}

// keepShare keeps the outputs of a validation batch until the phase ends.
func (l *loop) keepShare(s *torch.Scope, b Batch) {
	if l.cfg.Group == nil || b.Phase != "val" {
		return
	}
	v := &l.pass.share
	v.samples, v.labels = append(v.samples, b.Samples...), append(v.labels, b.Labels...)
	v.logits = append(v.logits, torch.Clone(s, torch.Detach(s, b.Logits)))
}

// encode returns the share in bytes: per image its number, its class and its logits.
func (v *share) encode(s *torch.Scope) (data []byte) {
	var all []float32
	for _, t := range v.logits {
		all = append(all, torch.Float32s(s, t)...)
	}
	for i, sample := range v.samples {
		data = binary.LittleEndian.AppendUint64(data, uint64(sample))
		data = binary.LittleEndian.AppendUint64(data, uint64(v.labels[i]))
		classes := len(all) / len(v.samples)
		for _, logit := range all[i*classes : (i+1)*classes] {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(logit))
		}
	}
	return data
}

// reportShares gathers the shares of a validation phase. In rank 0 it calls the Batch hook for those of the others.
func (l *loop) reportShares(s *torch.Scope) {
	own := &l.pass.share
	classes := 0
	if len(own.logits) > 0 {
		classes = int(own.logits[0].Shape()[1])
	}
	for rank, data := range l.cfg.Group.Gather(own.encode(s)) {
		if rank == 0 || l.cfg.Group.Rank() != 0 || len(data) == 0 {
			continue
		}
		b := Batch{Epoch: l.epoch, Phase: "val"}
		var logits []float32
		for image := range slices.Chunk(data, 16+4*classes) {
			b.Samples = append(b.Samples, int(binary.LittleEndian.Uint64(image)))
			b.Labels = append(b.Labels, int64(binary.LittleEndian.Uint64(image[8:])))
			for logit := range slices.Chunk(image[16:], 4) {
				logits = append(logits, math.Float32frombits(binary.LittleEndian.Uint32(logit)))
			}
		}
		b.Logits = torch.To(s, torch.FromFloat32s(s, logits, int64(len(b.Samples)), int64(classes)), l.cfg.Device)
		l.cfg.Hooks.Batch(b)
	}
}
