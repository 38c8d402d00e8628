// See ../algorithm.h.
#pragma once
namespace gloo::transport {
struct Device;
struct UnboundBuffer;
} // namespace gloo::transport
