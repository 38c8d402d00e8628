package background

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// InParallel calls a function once for every i below n. It starts workers goroutines, each of which calls a function of its
// own, which worker returns. The first error ends the work.
func InParallel(ctx context.Context, workers, n int, worker func(ctx context.Context) func(i int) error) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range max(1, workers) {
		g.Go(func() error {
			f := worker(ctx)
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := f(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
