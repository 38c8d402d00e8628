// Helpers that the C++ files of this package share.
#ifndef HYMENOPTERA_GUARD_H
#define HYMENOPTERA_GUARD_H

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cstring>

// guard runs f. It returns the message of the exception that f threw, which the caller frees, or NULL.
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

// tensor returns the tensor of one of gotch's handles.
inline at::Tensor &tensor(void *handle) { return *static_cast<at::Tensor *>(handle); }

#endif
