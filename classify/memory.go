package classify

import (
	"fmt"

	"hymenoptera/internal/machine"
)

// pixelBytes is roughly the memory of the layers of a ResNet or GoogLeNet per pixel of their input: three times 64
// channels of float32 over a quarter of the pixels. Measured: 210 for ResNet18 at 2048 and 4096 pixels.
const pixelBytes = 256

// sampleBytes returns roughly how much memory the network takes for one picture.
func (c Card) sampleBytes() int64 {
	size := int64(c.Preprocessing.Size)
	return pixelBytes * size * size
}

// MaxBatch returns n, or fewer if the network would take more than half of the free memory for n pictures, but
// at least 1. If the free memory is unknown it returns n.
func (c Card) MaxBatch(n int) int { return c.maxBatch(n, machine.This().FreeMemory()) }

func (c Card) maxBatch(n int, free int64) int {
	if free == 0 {
		return n
	}
	return int(max(1, min(int64(n), free/2/c.sampleBytes())))
}

// checkMemory returns an error if not even one picture fits: a file may state any size.
func (c Card) checkMemory(free int64) error {
	if need := c.sampleBytes(); free > 0 && need > free/2 {
		size := c.Preprocessing.Size
		return fmt.Errorf("its pictures are %d×%d pixels, for which the network takes about %.1f GB: only %.1f GB of memory are free", size, size,
			float64(need)/1e9, float64(free)/1e9)
	}
	return nil
}
