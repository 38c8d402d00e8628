package torch

import (
	"context"
	"fmt"
)

// Options say how libtorch computes in this process.
type Options struct {
	// Device is "cpu", "cuda", "cuda:N", or "auto": a CUDA device if there is one, else the CPU. "" is "cpu".
	Device string
	// Local is the CUDA device that "cuda" and "auto" stand for: each of several processes on a machine has its own.
	Local int
	// Threads is the number of threads of an operation; 0 leaves libtorch's choice. The last bits of a training's
	// losses depend on it.
	Threads int
	// Deterministic restricts cuDNN and cuBLAS to algorithms that repeat themselves bit for bit.
	Deterministic bool
	// Benchmark lets cuDNN time its algorithms for each new shape and keep the fastest, as torch.backends.cudnn.benchmark
	// does. It has no effect with Deterministic.
	Benchmark bool
}

// Init sets up libtorch in the necessary order, and returns the device. Call it before anything is computed on a CUDA
// device, and before any other call that could ask libtorch for CUDA, such as seeding, because libtorch remembers a first
// "no". The error for a device that cannot be used is a [*DeviceError]. Without Init the package does not change the
// process.
func Init(o Options) (device Device, err error) {
	if o.Threads < 0 {
		return CPU, fmt.Errorf("torch: %d threads: want 1 or more, or 0 for libtorch's choice", o.Threads)
	}
	err = Do(context.Background(), func(*Scope) error {
		if device, err = findDevice(o.Device, o.Local); err != nil {
			return err
		}
		if o.Threads > 0 {
			setNumThreads(o.Threads)
		}
		switch {
		case device == CPU:
		case o.Deterministic:
			setDeterministic()
		default:
			setCuDNNBenchmark(o.Benchmark)
		}
		return nil
	})
	return device, err
}
