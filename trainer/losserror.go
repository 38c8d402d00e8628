package trainer

import (
	"fmt"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
)

// lossError says where a training went wrong whose loss is not finite.
func lossError(loss float64, p metrics.Phase, step int, b *dataset.Batch, set set) error {
	const most = 64
	var files []string
	for _, i := range b.Indices[:min(most, len(b.Indices))] {
		files = append(files, set.Path(i))
	}
	if rest := len(b.Indices) - most; rest > 0 {
		files = append(files, fmt.Sprintf("and %d more", rest))
	}
	return fmt.Errorf("trainer: the loss became %v in epoch %d, %s step %d, at learning rate %v (a lower --lr may help); its batch: %s",
		loss, p.Epoch, p.Name, step, p.LR, strings.Join(files, ", "))
}
