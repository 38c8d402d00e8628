// What the C++ files of this package share.
#ifndef HYMENOPTERA_GUARD_H
#define HYMENOPTERA_GUARD_H

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cstring>

// guard runs f and returns what it threw, for the caller to free, or NULL.
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

// tensor is what a handle of gotch's stands for.
inline at::Tensor &tensor(void *handle) { return *static_cast<at::Tensor *>(handle); }

#endif
