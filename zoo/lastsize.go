package zoo

// convolved returns the side of the output of a convolution or pooling of stride 2, for a side of n pixels.
func convolved(n, kernel, padding int) int { return (n+2*padding-kernel)/2 + 1 }

// pooled is convolved for a pooling without padding that takes a part of its window at the border (ceil_mode).
func pooled(n, kernel int) int { return (n-kernel+1)/2 + 1 }

// lastResNet is LastSize of ResNets: a convolution and a pooling of stride 2, then three such layers.
func lastResNet(size int) int {
	n := convolved(convolved(size, 7, 3), 3, 1)
	for range 3 {
		n = convolved(n, 3, 1)
	}
	return n
}

// lastGoogLeNet is LastSize of GoogLeNet: a convolution of stride 2 and four poolings.
func lastGoogLeNet(size int) int {
	return pooled(pooled(pooled(pooled(convolved(size, 7, 3), 3), 3), 3), 2)
}
