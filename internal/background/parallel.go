package background

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// InParallel starts workers goroutines, each with a function that worker returns, and has them call it for every i below n
// once. The first error ends it.
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
