package trainer

import (
	"slices"

	"hymenoptera/torch"
)

// A memory is where sets that are passed over in turn keep their tensors.
type memory struct {
	scope    *torch.Scope // owns them
	device   torch.Device
	resident int64           // bytes that are left for decoded images on the device
	slots    []*torch.Tensor // of the batches of one set, and then of the next
}

// batches returns n tensors on the host of one type and shape: those of the last call where they are alike.
func (m *memory) batches(n int, dtype torch.DType, shape []int64) []*torch.Tensor {
	if len(m.slots) != n || m.slots[0].DType() != dtype || !slices.Equal(m.slots[0].Shape(), shape) {
		m.slots = nil
		for range n {
			m.slots = append(m.slots, hostTensor(m.scope, dtype, m.device, shape))
		}
	}
	return m.slots
}

// hostTensor returns a tensor on the CPU from where device takes its data: for a CUDA device it is pinned.
func hostTensor(s *torch.Scope, dtype torch.DType, device torch.Device, shape []int64) *torch.Tensor {
	if device == torch.CPU {
		return torch.Empty(s, dtype, torch.CPU, shape...)
	}
	return torch.EmptyPinned(s, dtype, shape...)
}
