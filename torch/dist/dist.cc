#include "dist.h"
#include "../guard.h"

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include <c10/util/Logging.h>
#include <torch/csrc/autograd/custom_function.h>

#include <dlfcn.h>

#include <numeric>

namespace {

struct Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroup> processes;
  c10::intrusive_ptr<c10d::Backend> nccl; // null until hy_dist_load_nccl
};

Group &group(void *g) { return *static_cast<Group *>(g); }

struct Training {
  std::vector<at::Tensor> params;
  std::unique_ptr<c10d::Reducer> reducer;
};

Training &training(void *r) { return *static_cast<Training *>(r); }

// Sum adds up a tensor over the processes, and so does its backward pass.
struct Sum : torch::autograd::Function<Sum> {
  static at::Tensor of(const at::Tensor &x, int64_t g) {
    std::vector<at::Tensor> tensors{x.contiguous().clone()};
    reinterpret_cast<Group *>(g)->processes->allreduce(tensors)->wait();
    return tensors[0];
  }
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &x, int64_t g) {
    ctx->saved_data["group"] = g;
    return of(x, g);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *ctx, torch::autograd::variable_list gradients) {
    return {of(gradients[0], ctx->saved_data["group"].toInt()), at::Tensor()};
  }
};

} // namespace

extern "C" {

char *hy_dist_init(hy_dist_options o, void **out) {
  return guard([&] {
    if (!std::getenv("TORCH_CPP_LOG_LEVEL")) // the errors say enough, and each process would write twenty lines for a lost peer
      FLAGS_caffe2_log_level = c10::GLOG_FATAL;
    auto g = std::make_unique<Group>();
    const auto timeout = std::chrono::milliseconds(o.timeout_ms);
    c10d::TCPStoreOptions tcp;
    tcp.port = o.port;
    tcp.isServer = o.serve;
    tcp.waitWorkers = false;
    tcp.multiTenant = true;
    tcp.timeout = timeout;
    // torchrun keeps its store over restarts. The prefix separates the keys from those of earlier processes.
    g->store = c10::make_intrusive<c10d::PrefixStore>(o.prefix, c10::make_intrusive<c10d::TCPStore>(o.host, tcp));
    auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("gloo", g->store), o.rank, o.world,
        c10d::ProcessGroupGloo::Options::create_default(timeout));
    g->processes = c10::make_intrusive<c10d::ProcessGroup>(g->store, o.rank, o.world);
    for (auto device : {c10::DeviceType::CPU, c10::DeviceType::CUDA})
      g->processes->setBackend(device, c10d::ProcessGroup::BackendType::GLOO, gloo);
    g->processes->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    *out = g.release();
  });
}

char *hy_dist_load_nccl(void *g, int64_t timeout_ms) {
  return guard([&] {
    void *library = dlopen("libhymenoptera_nccl.so", RTLD_NOW);
    TORCH_CHECK(library, dlerror());
    const auto make = reinterpret_cast<char *(*)(const c10::intrusive_ptr<c10d::Store> *, int, int, int64_t, c10::intrusive_ptr<c10d::Backend> *)>(dlsym(library, "hy_nccl"));
    TORCH_CHECK(make, "no hy_nccl in libhymenoptera_nccl.so: it is of another version");
    const auto &p = group(g).processes;
    if (char *error = make(&group(g).store, p->getRank(), p->getSize(), timeout_ms, &group(g).nccl)) {
      const std::string text = error;
      free(error);
      TORCH_CHECK(false, text);
    }
  });
}

char *hy_dist_use_nccl(void *g) {
  return guard([&] { group(g).processes->setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::NCCL, group(g).nccl); });
}

void hy_dist_free(void *g) {
  free(guard([&] { delete static_cast<Group *>(g); }));
}

char *hy_dist_sum(void *g, void *t) {
  return guard([&] {
    std::vector<at::Tensor> tensors{tensor(t)};
    group(g).processes->allreduce(tensors)->wait();
  });
}

char *hy_dist_broadcast(void *g, void **ts, int n) {
  return guard([&] {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> tensors;
    for (int i = 0; i < n; i++)
      tensors.push_back(tensor(ts[i]));
    // DDP's message size.
    c10d::broadcast_coalesced(group(g).processes, tensors, 250 * 1024 * 1024);
  });
}

char *hy_dist_gather(void *g, void *t, void *out) {
  return guard([&] {
    std::vector<at::Tensor> one{tensor(t)};
    std::vector<std::vector<at::Tensor>> all{tensor(out).unbind(0)};
    group(g).processes->allgather(all, one)->wait();
  });
}

char *hy_dist_batch_norm(void *g, void *input, void *weight, void *bias, void *mean, void *variance, double momentum,
                         double eps, void **out) {
  return guard([&] {
    const auto x = tensor(input).to(at::kFloat); // N×C×H×W
    const auto channels = x.size(1);
    const auto address = reinterpret_cast<int64_t>(g);
    const auto sum = [](const at::Tensor &t) { return t.sum(at::IntArrayRef{0, 2, 3}); };
    const auto wide = [&](const at::Tensor &t) { return t.view({1, channels, 1, 1}); };
    const auto own = at::full({1}, static_cast<double>(x.numel() / channels), x.options());
    const auto sums = Sum::apply(at::cat({sum(x), own}), address);
    const auto count = sums.narrow(0, channels, 1).detach();
    const auto average = sums.narrow(0, 0, channels) / count;
    const auto centred = x - wide(average);
    const auto spread = Sum::apply(sum(centred * centred), address) / count;
    const auto y = centred * wide(at::rsqrt(spread + eps) * tensor(weight)) + wide(tensor(bias));
    {
      at::NoGradGuard no_grad;
      tensor(mean).mul_(1 - momentum).add_(average, momentum);
      tensor(variance).mul_(1 - momentum).add_(spread * (count / (count - 1)), momentum);
    }
    *out = new at::Tensor(y.to(tensor(input).scalar_type()));
  });
}

char *hy_dist_set(void *g, const char *key, const char *value) {
  return guard([&] {
    const std::string v = value;
    group(g).store->set(key, std::vector<uint8_t>(v.begin(), v.end()));
  });
}

char *hy_dist_get(void *g, const char *key, char **value) {
  return guard([&] {
    *value = nullptr;
    if (!group(g).store->check({key}))
      return;
    const auto v = group(g).store->get(key);
    *value = strdup(std::string(v.begin(), v.end()).c_str());
  });
}

// Makes a Reducer as torch.nn.parallel.DistributedDataParallel does: a single bucket for the first step, then buckets of 1
// MiB and 25 MiB in the order in which that step's gradients came. Given buckets are those of an earlier process after its
// first step.
char *hy_dist_reducer(void *g, void **params, int n, const int64_t *given, int length, void **out) {
  return guard([&] {
    std::vector<at::Tensor> tensors;
    for (int i = 0; i < n; i++)
      tensors.push_back(tensor(params[i]));
    auto &processes = group(g).processes;
    c10d::verify_params_across_processes(processes, tensors, std::nullopt);
    std::vector<std::vector<size_t>> buckets;
    if (length == 0) {
      buckets.emplace_back(tensors.size());
      std::iota(buckets[0].begin(), buckets[0].end(), 0);
    }
    for (int i = 0, begin = 0; i < length; i++)
      if (given[i] < 0) {
        buckets.emplace_back(given + begin, given + i);
        begin = i + 1;
      }
    *out = new Training{tensors, std::make_unique<c10d::Reducer>(
                                     tensors, buckets, processes, std::vector<bool>(tensors.size(), false),
                                     c10d::kDefaultBucketBytesCap, /*find_unused_parameters=*/false,
                                     /*gradient_as_bucket_view=*/false, std::unordered_map<size_t, std::string>{},
                                     c10d::kDefaultFirstBucketBytes, /*skip_all_reduce_unused_params=*/false,
                                     /*use_python_reducer=*/false, std::vector<int64_t>{})};
  });
}

char *hy_dist_reducer_buckets(void *r, int64_t *buckets, int *length) {
  return guard([&] {
    std::unordered_map<c10::TensorImpl *, int64_t> index;
    for (const auto &p : training(r).params)
      index.emplace(p.unsafeGetTensorImpl(), index.size());
    *length = 0;
    for (const auto &bucket : training(r).reducer->get_grad_buckets(/*return_zero_tensors=*/true)) {
      for (const auto &p : bucket.getParameters())
        buckets[(*length)++] = index.at(p.unsafeGetTensorImpl());
      buckets[(*length)++] = -1;
    }
  });
}

char *hy_dist_reducer_prepare(void *r, void *output) {
  return guard([&] {
    training(r).reducer->prepare_for_forward();
    training(r).reducer->prepare_for_backward({tensor(output)});
  });
}

char *hy_dist_reducer_finish(void *r) {
  return guard([&] { training(r).reducer->rebuild_buckets(); });
}

void hy_dist_reducer_free(void *r) {
  free(guard([&] { delete static_cast<Training *>(r); }));
}
}
