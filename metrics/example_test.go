package metrics_test

import (
	"fmt"

	"hymenoptera/metrics"
)

func ExampleWilson() {
	low, high := metrics.Wilson(146, 153)
	fmt.Printf("%.1f %% of 153 pictures: %.1f %% to %.1f %% on ever more of them\n", 100*146/153., 100*low, 100*high)
	// Output: 95.4 % of 153 pictures: 90.9 % to 97.8 % on ever more of them
}
