// Functions for CUDA that gotch's C layer lacks. They use libtorch's interfaces for any accelerator, so that a program that
// links only the CPU's libraries can contain them. CUDA graphs have no such interface: see graph/graph.cc.
#include "shim.h"
#include "guard.h"

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <map>

namespace {

c10::Device cuda(int index) { return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)); }

// copies returns the stream of a device on which batches are copied.
c10::Stream copies(c10::Device device) {
  static std::map<int, c10::Stream> streams;
  const auto found = streams.find(device.index());
  if (found != streams.end())
    return found->second;
  const auto stream = c10::impl::VirtualGuardImpl(c10::kCUDA).getStreamFromGlobalPool(device);
  return streams.emplace(device.index(), stream).first->second;
}

// The functions of graph/graph.cc, once its library is loaded.
struct {
  char *(*begin)(int device, void **graph);
  char *(*end)(void *graph);
  char *(*replay)(void *graph);
  void (*free)(void *graph);
} graphs;

template <class F> void resolve(void *library, const char *name, F &function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  TORCH_CHECK(function, "no ", name, " in libhymenoptera_cuda.so: it is of another version");
}

} // namespace

extern "C" {

char *hy_empty_pinned(const int64_t *shape, int dims, int type, void **out) {
  return guard([&] {
    const auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(type)).pinned_memory(true);
    *out = new at::Tensor(at::empty({shape, static_cast<size_t>(dims)}, options));
  });
}

char *hy_upload(void *pinned, int device, void **out) {
  return guard([&] {
    const c10::impl::VirtualGuardImpl impl(c10::kCUDA);
    const auto stream = copies(cuda(device)), current = impl.getStream(cuda(device));
    at::Tensor copy;
    {
      c10::StreamGuard on(stream);
      copy = tensor(pinned).to(cuda(device), /*non_blocking=*/true);
    }
    impl.synchronizeStream(stream);
    copy.record_stream(current);
    *out = new at::Tensor(copy);
  });
}

char *hy_device_memory(int device, int64_t *allocated, int64_t *peak, int64_t *free) {
  return guard([&] {
    auto *allocator = c10::getDeviceAllocator(c10::kCUDA);
    const auto stats = allocator->getDeviceStats(device).allocated_bytes[0]; // AGGREGATE
    *allocated = stats.current, *peak = stats.peak;
    *free = static_cast<int64_t>(allocator->getMemoryInfo(device).first);
  });
}

char *hy_deterministic(void) {
  return guard([] {
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setDeterministicCuDNN(true);
  });
}

char *hy_load_graphs(void) {
  return guard([] {
    void *library = dlopen("libhymenoptera_cuda.so", RTLD_NOW);
    TORCH_CHECK(library, dlerror());
    resolve(library, "hy_cuda_graph_begin", graphs.begin);
    resolve(library, "hy_cuda_graph_end", graphs.end);
    resolve(library, "hy_cuda_graph_replay", graphs.replay);
    resolve(library, "hy_cuda_graph_free", graphs.free);
  });
}

char *hy_graph_begin(int device, void **graph) { return graphs.begin(device, graph); }
char *hy_graph_end(void *graph) { return graphs.end(graph); }
char *hy_graph_replay(void *graph) { return graphs.replay(graph); }
void hy_graph_free(void *graph) { graphs.free(graph); }
}
