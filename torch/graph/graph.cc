// CUDA graphs: libhymenoptera_cuda.so, which set-up compiles if it finds CUDA's headers, and which package torch loads at
// run time after libtorch_cuda. The caller frees the errors that functions return.
#include "../guard.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <map>
#include <memory>
#include <optional>

namespace {

struct Graph {
  at::cuda::CUDAGraph graph;
  std::optional<c10::cuda::CUDAStreamGuard> recording; // on a stream of its own: the default one cannot be recorded
};

// recorded returns the stream of a device on which graphs are recorded. All use the same one, because cuBLAS keeps memory
// for each stream that it has seen.
c10::cuda::CUDAStream recorded(c10::DeviceIndex device) {
  static std::map<int, c10::cuda::CUDAStream> streams;
  const auto found = streams.find(device);
  if (found != streams.end())
    return found->second;
  return streams.emplace(device, c10::cuda::getStreamFromPool(false, device)).first->second;
}

} // namespace

extern "C" {

// From here on, work that the calling thread queues is recorded, not run.
char *hy_cuda_graph_begin(int device, void **out) {
  return guard([&] {
    {
      const c10::cuda::CUDAGuard on(static_cast<c10::DeviceIndex>(device));
      c10::cuda::device_synchronize();
    }
    auto g = std::make_unique<Graph>();
    g->recording.emplace(recorded(static_cast<c10::DeviceIndex>(device)));
    g->graph.capture_begin();
    *out = g.release();
  });
}

char *hy_cuda_graph_end(void *graph) {
  return guard([&] {
    auto *g = static_cast<Graph *>(graph);
    struct Restore {
      Graph *g;
      ~Restore() { g->recording.reset(); }
    } restore{g};
    g->graph.capture_end();
  });
}

char *hy_cuda_graph_replay(void *graph) {
  return guard([&] { static_cast<Graph *>(graph)->graph.replay(); });
}

void hy_cuda_graph_free(void *graph) { delete static_cast<Graph *>(graph); }
}
