package finetune

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
)

// answerTensors has the logits or probabilities of validation images, as tensors of a checkpoint.
type answerTensors struct {
	values  checkpoint.Tensor // N×C of float32 logits or float64 probabilities
	samples checkpoint.Tensor // N of int64: indices into the set
	labels  checkpoint.Tensor // N of int64
}

// take sets the tensor of a that t is, by a name that begins with prefix. It reports whether t is one of them.
func (a *answerTensors) take(prefix string, t checkpoint.Tensor) bool {
	switch t.Name {
	case prefix + "values":
		a.values = t
	case prefix + "samples":
		a.samples = t
	case prefix + "labels":
		a.labels = t
	default:
		return false
	}
	return true
}

// tensors returns the tensors, with names that begin with prefix, or nil if there are no answers.
func (a answerTensors) tensors(prefix string) []checkpoint.Tensor {
	if len(a.values.Data) == 0 {
		return nil
	}
	a.values.Name, a.samples.Name, a.labels.Name = prefix+"values", prefix+"samples", prefix+"labels"
	return []checkpoint.Tensor{a.values, a.samples, a.labels}
}

// check returns an error unless a has answers for n different images of a set.
func (a answerTensors) check(n int, dtype checkpoint.DType, images, classes int) error {
	if n == 0 && a.values.Data == nil && a.samples.Data == nil && a.labels.Data == nil {
		return nil
	}
	wide, long := []int64{int64(n), int64(classes)}, []int64{int64(n)}
	for _, c := range []struct {
		t     checkpoint.Tensor
		dtype checkpoint.DType
		shape []int64
	}{{a.values, dtype, wide}, {a.samples, checkpoint.Int64, long}, {a.labels, checkpoint.Int64, long}} {
		if c.t.DType != c.dtype || !slices.Equal(c.t.Shape, c.shape) || len(c.t.Data) != n*c.dtype.Size()*max(1, len(c.shape)/2*classes) {
			return fmt.Errorf("%q is %v %v, not %v %v", c.t.Name, c.t.DType, c.t.Shape, c.dtype, c.shape)
		}
	}
	seen := make([]bool, images)
	for i, sample := range int64s(a.samples.Data) {
		label := int64s(a.labels.Data)[i]
		if sample < 0 || sample >= int64(images) || seen[sample] || label < 0 || label >= int64(classes) {
			return fmt.Errorf("%q answers for image %d, of class %d", a.samples.Name, sample, label)
		}
		seen[sample] = true
	}
	return nil
}

// newAnswers returns the probabilities of predictions.
func newAnswers(ps []metrics.Prediction) (a answerTensors) {
	if len(ps) == 0 {
		return a
	}
	n, classes := int64(len(ps)), int64(len(ps[0].Probs))
	a.values = checkpoint.Tensor{DType: checkpoint.Float64, Shape: []int64{n, classes}}
	for _, p := range ps {
		for _, v := range p.Probs {
			a.values.Data = binary.LittleEndian.AppendUint64(a.values.Data, math.Float64bits(v))
		}
		a.add(p.Sample, int64(p.Label))
	}
	return a
}

// add adds an image. The caller adds its values.
func (a *answerTensors) add(sample int, label int64) {
	a.samples.Data = binary.LittleEndian.AppendUint64(a.samples.Data, uint64(sample))
	a.labels.Data = binary.LittleEndian.AppendUint64(a.labels.Data, uint64(label))
	shape := []int64{int64(len(a.samples.Data) / 8)}
	a.samples.DType, a.samples.Shape = checkpoint.Int64, shape
	a.labels.DType, a.labels.Shape = checkpoint.Int64, shape
}

// predictions returns the predictions whose probabilities a holds; a must be checked.
func (a answerTensors) predictions() (ps []metrics.Prediction) {
	samples, labels, probs := int64s(a.samples.Data), int64s(a.labels.Data), float64s(a.values.Data)
	for i, sample := range samples {
		classes := len(probs) / len(samples)
		ps = append(ps, metrics.Prediction{Sample: int(sample), Label: int(labels[i]), Probs: probs[i*classes : (i+1)*classes]})
	}
	return ps
}

func int64s(data []byte) (vs []int64) {
	for ; len(data) >= 8; data = data[8:] {
		vs = append(vs, int64(binary.LittleEndian.Uint64(data)))
	}
	return vs
}

func float64s(data []byte) (vs []float64) {
	for ; len(data) >= 8; data = data[8:] {
		vs = append(vs, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return vs
}
