package classify

import (
	"context"
	"errors"
	"fmt"

	"hymenoptera/gradcam"
	"hymenoptera/torch"
)

// Explain returns where the network looked in a picture, prepared by a preparer of this classifier, for a class.
func (c *Classifier) Explain(ctx context.Context, input Input, class int) (m gradcam.Map, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.scope == nil {
		return m, ErrClosed
	}
	net, ok := c.looking.(gradcam.Network)
	if !ok {
		return m, errors.New("classify: " + c.Model + " has no block whose map could be shown")
	}
	side := int64(c.Preprocessing.Size)
	if int64(len(input)) != 3*side*side {
		return m, fmt.Errorf("classify: the input has %d floats: want 3×%d×%d, as a preparer of the same classifier makes it", len(input), side, side)
	}
	err = torch.Do(ctx, func(s *torch.Scope) error {
		maps, err := gradcam.Compute(s, net, c.images(s, input, side), []int64{int64(class)})
		if err == nil {
			m = maps[0]
		}
		return err
	})
	return m, err
}
