#include "shim.h"
#include "guard.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_fused_sgd.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <mutex>
#include <string>
#include <vector>

extern "C" void at_free(at::Tensor *); // gotch's

namespace {

std::string library_of(void *symbol) {
  Dl_info info;
  return dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : "";
}

std::vector<int64_t> pair(int64_t v) { return {v, v}; }

// result calls an operation that returns one tensor.
at::Tensor *result(const c10::OperatorHandle &op, std::vector<c10::IValue> stack) {
  op.callBoxed(stack);
  return new at::Tensor(stack.at(0).toTensor());
}

} // namespace

extern "C" {

const char *hy_torch_version(void) { return TORCH_VERSION; }

const char *hy_cpu_capability(void) {
  static const std::string name = at::get_cpu_capability();
  return name.c_str();
}

char *hy_manual_seed(uint64_t seed) {
  return guard([&] { at::manual_seed(seed); });
}

char *hy_random_u32(uint32_t *word) {
  return guard([&] {
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    *word = at::check_generator<at::CPUGeneratorImpl>(generator)->random();
  });
}

int hy_grad_mode(int on) {
  bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(on);
  return before;
}

int hy_device(void *tensor) {
  auto t = static_cast<at::Tensor *>(tensor);
  return t->is_cuda() ? t->get_device() : -1;
}

static at::Generator generator_of(int device) {
  if (device < 0)
    return at::detail::getDefaultCPUGenerator();
  return at::globalContext().defaultGenerator(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(device)));
}

char *hy_get_rng_state(int device, void **out) {
  return guard([&] {
    auto generator = generator_of(device);
    std::lock_guard<std::mutex> lock(generator.mutex());
    *out = new at::Tensor(generator.get_state());
  });
}

char *hy_set_rng_state(int device, void *state) {
  return guard([&] {
    auto generator = generator_of(device);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(tensor(state));
  });
}

char *hy_set_num_threads(int n) {
  return guard([&] { at::set_num_threads(n); });
}

// libtorch_cuda.so registers the CUDA backend when it is loaded. It is in the folder of libtorch_cpu.so.
char *hy_load_cuda(void) {
  const std::string cpu = library_of(reinterpret_cast<void *>(&at::show_config));
  const std::string cuda = cpu.substr(0, cpu.rfind('/') + 1) + "libtorch_cuda.so";
  return dlopen(cuda.c_str(), RTLD_NOW | RTLD_GLOBAL) ? nullptr : strdup(dlerror());
}

char *hy_library_of(int gotch) {
  void *symbol = gotch ? reinterpret_cast<void *>(&at_free) : reinterpret_cast<void *>(&at::show_config);
  return strdup(library_of(symbol).c_str());
}

char *hy_set_data(void *self, void *data) {
  return guard([&] { tensor(self).set_data(tensor(data)); });
}

char *hy_clone(void *self, void **out) {
  return guard([&] { *out = new at::Tensor(tensor(self).clone()); });
}

char *hy_add_scaled(void *self, void *other, double alpha, void **out) {
  return guard([&] { *out = new at::Tensor(tensor(self).add(tensor(other), alpha)); });
}

char *hy_add_scaled_(void *self, void *other, double alpha) {
  return guard([&] { tensor(self).add_(tensor(other), alpha); });
}

char *hy_addcmul_(void *self, void *a, void *b, double value) {
  return guard([&] { tensor(self).addcmul_(tensor(a), tensor(b), value); });
}

char *hy_addcdiv_(void *self, void *a, void *b, double value) {
  return guard([&] { tensor(self).addcdiv_(tensor(a), tensor(b), value); });
}

char *hy_clear_grads(void **tensors, int n) {
  return guard([&] {
    for (int i = 0; i < n; i++)
      tensor(tensors[i]).mutable_grad().reset();
  });
}

char *hy_has_grad(void *self, int *yes) {
  return guard([&] { *yes = tensor(self).grad().defined(); });
}

static std::vector<at::Tensor> gradients(void **tensors, int n) {
  std::vector<at::Tensor> all;
  for (int i = 0; i < n; i++)
    if (tensor(tensors[i]).grad().defined())
      all.push_back(tensor(tensors[i]).grad());
  return all;
}

// These two are torch.nn.utils.clip_grad_norm_, operation for operation.
char *hy_grad_norm(void **tensors, int n, void **out) {
  return guard([&] {
    at::NoGradGuard no_grad;
    const auto norms = at::_foreach_norm(gradients(tensors, n), 2.0);
    *out = new at::Tensor(at::linalg_vector_norm(at::stack(norms), 2.0));
  });
}

char *hy_clip_grads(void **tensors, int n, void *norm, double most) {
  return guard([&] {
    at::NoGradGuard no_grad;
    const auto factor = ((tensor(norm) + 1e-6).reciprocal() * most).clamp(c10::nullopt, 1.0);
    at::_foreach_mul_(gradients(tensors, n), factor);
  });
}

char *hy_channels_last(void *self, void **out) {
  return guard([&] { *out = new at::Tensor(tensor(self).contiguous(at::MemoryFormat::ChannelsLast)); });
}

char *hy_autocast(int cuda, int *on, int *type) {
  return guard([&] {
    const auto device = cuda ? at::kCUDA : at::kCPU;
    const bool was = at::autocast::is_autocast_enabled(device);
    const auto type_was = at::autocast::get_autocast_dtype(device);
    at::autocast::set_autocast_enabled(device, *on);
    at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(*type));
    *on = was, *type = static_cast<int>(type_was);
  });
}

char *hy_autocast_clear(void) {
  return guard([] { at::autocast::clear_cache(); });
}

// The operations that torch.compile uses for a convolution whose weights do not change. They have no C++ name,
// so they are looked up.
char *hy_pack_conv(void *weight, int64_t stride, int64_t padding, const int64_t *input, void **out) {
  return guard([&] {
    static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "");
    *out = result(op, {tensor(weight), pair(padding), pair(stride), pair(1), 1, std::vector<int64_t>(input, input + 4)});
  });
}

char *hy_packed_conv(void *x, void *packed, void *bias, void *other, int64_t stride, int64_t padding, int relu,
                     void **out) {
  return guard([&] {
    auto &dispatcher = c10::Dispatcher::singleton();
    static const auto plain = dispatcher.findSchemaOrThrow("mkldnn::_convolution_pointwise", "");
    static const auto added = dispatcher.findSchemaOrThrow("mkldnn::_convolution_pointwise_", "binary");
    const c10::List<std::optional<at::Scalar>> scalars;
    const c10::IValue none, rectify = relu ? c10::IValue("relu") : none;
    if (other == nullptr)
      *out = result(plain, {tensor(x), tensor(packed), tensor(bias), pair(padding), pair(stride), pair(1), 1,
                            relu ? "relu" : "none", scalars, none});
    else
      *out = result(added, {tensor(other), tensor(x), tensor(packed), tensor(bias), pair(padding), pair(stride),
                            pair(1), 1, "add", at::Scalar(1.0), rectify, scalars, none});
  });
}

char *hy_fused_sgd(void **params, void **grads, void **buffers, int n, double lr, double momentum,
                   double weight_decay, int nesterov, int first, void *rate) {
  return guard([&] {
    std::vector<at::Tensor> p, g, b;
    for (int i = 0; i < n; i++) {
      p.push_back(tensor(params[i]));
      g.push_back(tensor(grads[i]));
      if (momentum != 0)
        b.push_back(tensor(buffers[i]));
    }
    if (rate)
      at::_fused_sgd_(p, g, b, weight_decay, momentum, tensor(rate), /*dampening=*/0.0, nesterov, /*maximize=*/false, first);
    else
      at::_fused_sgd_(p, g, b, weight_decay, momentum, lr, /*dampening=*/0.0, nesterov, /*maximize=*/false, first);
  });
}
}
