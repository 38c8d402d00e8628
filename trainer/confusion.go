package trainer

import (
	"encoding/binary"
	"fmt"
	"math"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/torch"
)

// A confusion counts the images of a phase by [true class][predicted class]. It is nil before the first batch.
type confusion [][]int

func newConfusion(classes int) confusion {
	c := make(confusion, classes)
	for i := range c {
		c[i] = make([]int, classes)
	}
	return c
}

// add counts the logits N×classes of images of the given classes. It waits for the device.
func (c *confusion) add(s *torch.Scope, logits *torch.Tensor, labels []int64) {
	rows := torch.Float32s(s, logits)
	classes := len(rows) / len(labels)
	if *c == nil {
		*c = newConfusion(classes)
	}
	if len(*c) != classes {
		torch.Fail(&StateError{fmt.Errorf("its confusion is of %d classes, not %d", len(*c), classes)})
	}
	for i, label := range labels {
		(*c)[label][metrics.ArgMax(rows[i*classes:(i+1)*classes])]++
	}
}

// export returns the counts C×C, for a State.
func (c confusion) export(name string) checkpoint.Tensor {
	t := checkpoint.Tensor{Name: name, DType: checkpoint.Int64, Shape: []int64{int64(len(c)), int64(len(c))}}
	for _, row := range c {
		for _, n := range row {
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(n))
		}
	}
	return t
}

// readConfusion returns the confusion that export wrote.
func readConfusion(t *torch.Tensor) (c confusion, err error) {
	shape := t.Shape()
	if len(shape) != 2 || shape[0] != shape[1] || t.DType() != torch.Int64 {
		return nil, fmt.Errorf("its confusion is %v", t)
	}
	counts := torch.Int64View(t)
	for range shape[0] {
		row := make([]int, shape[1])
		for i := range row {
			if counts[i] < 0 || counts[i] > math.MaxInt32 {
				return nil, fmt.Errorf("its confusion counts %d images", counts[i])
			}
			row[i] = int(counts[i])
		}
		c, counts = append(c, row), counts[shape[1]:]
	}
	return c, nil
}
