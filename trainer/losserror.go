package trainer

import (
	"fmt"
	"math"
	"strings"

	"hymenoptera/dataset"
)

// finite returns an error that says where the training went wrong when a loss is NaN or infinite.
func finite(loss float64, step int, p Phase, b *dataset.Batch, set set) error {
	if !math.IsNaN(loss) && !math.IsInf(loss, 0) {
		return nil
	}
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
