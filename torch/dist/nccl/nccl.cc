// c10d's NCCL for gradients on GPUs: libhymenoptera_nccl.so, which set-up compiles if it finds NCCL's header, and which
// package dist loads at run time. The caller frees the errors that functions return.
#define USE_C10D_NCCL
#include "../../guard.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

extern "C" char *hy_nccl(const c10::intrusive_ptr<c10d::Store> *store, int rank, int world, int64_t timeout_ms,
                         c10::intrusive_ptr<c10d::Backend> *out) {
  return guard([&] {
    // When a process is lost, waits throw an exception; otherwise a thread of NCCL's would end this process.
    setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
    setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 0);
    setenv("TORCH_NCCL_ENABLE_MONITORING", "0", 0);
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = std::chrono::milliseconds(timeout_ms);
    *out = c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", *store), rank, world, options);
  });
}
