#include "shim.h"

#if !__has_include(<torch/version.h>)
#error "libtorch is not set up: type make setup first"
#endif

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <cstring>
#include <mutex>
#include <string>

extern "C" void at_free(at::Tensor *); // gotch's

namespace {

// guard runs f and returns what it threw.
template <class F> char *guard(F &&f) {
  try {
    f();
    return nullptr;
  } catch (const c10::Error &e) {
    return strdup(e.what_without_backtrace());
  } catch (const std::exception &e) {
    return strdup(e.what());
  } catch (...) {
    return strdup("unknown C++ exception");
  }
}

std::string library_of(void *symbol) {
  Dl_info info;
  return dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : "";
}

at::Tensor &tensor(void *handle) { return *static_cast<at::Tensor *>(handle); }

} // namespace

extern "C" {

const char *hy_torch_version(void) { return TORCH_VERSION; }

const char *hy_cpu_capability(void) {
  static const std::string name = at::get_cpu_capability();
  return name.c_str();
}

char *hy_build_config(void) { return strdup(at::show_config().c_str()); }

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

char *hy_set_num_threads(int n) {
  return guard([&] { at::set_num_threads(n); });
}

int hy_num_threads(void) { return at::get_num_threads(); }

// libtorch_cuda.so registers the CUDA backend when it is loaded; it lies beside libtorch_cpu.so.
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
}
