package trainer

import "hymenoptera/torch"

// A confusion counts the images of a phase by [true class][predicted class]; it is nil before the first batch.
type confusion [][]int

// add counts the logits N×classes of images of the given classes. It waits for the device.
func (c *confusion) add(s *torch.Scope, logits *torch.Tensor, labels []int64) {
	rows := torch.Float32s(s, logits)
	classes := len(rows) / len(labels)
	if *c == nil {
		*c = make(confusion, classes)
		for i := range *c {
			(*c)[i] = make([]int, classes)
		}
	}
	for i, label := range labels {
		guess, row := 0, rows[i*classes:(i+1)*classes]
		for class, v := range row {
			if v > row[guess] {
				guess = class
			}
		}
		(*c)[label][guess]++
	}
}
