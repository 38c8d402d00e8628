// Functions that gotch's C layer lacks. Every function that can fail returns its error as a string that the
// caller frees, or NULL. Tensors are gotch's handles: at::Tensor*, owned by the caller.
#ifndef HYMENOPTERA_SHIM_H
#define HYMENOPTERA_SHIM_H
#include <stdint.h>
#include <stdlib.h>
#ifdef __cplusplus
extern "C" {
#endif

const char *hy_torch_version(void);
const char *hy_cpu_capability(void); // static string: "AVX512"

char *hy_manual_seed(uint64_t seed);
char *hy_random_u32(uint32_t *word); // the next word of the default CPU generator
// The state of a device's default generator, a tensor of bytes; the CPU's device is -1.
char *hy_get_rng_state(int device, void **out);
char *hy_set_rng_state(int device, void *state);

char *hy_set_num_threads(int n);
int hy_grad_mode(int on); // returns the previous mode
int hy_device(void *tensor); // its number among the GPUs; -1 is the CPU

char *hy_load_cuda(void);
char *hy_library_of(int gotch); // path of libtorch_cpu or of gotch's C++; freed by the caller

char *hy_set_data(void *self, void *data);
char *hy_clone(void *self, void **out);
char *hy_add_scaled(void *self, void *other, double alpha, void **out);
char *hy_add_scaled_(void *self, void *other, double alpha);
char *hy_addcmul_(void *self, void *a, void *b, double value);
char *hy_addcdiv_(void *self, void *a, void *b, double value);
char *hy_clear_grads(void **tensors, int n);
char *hy_has_grad(void *self, int *yes);
// Ignores tensors without a gradient.
char *hy_grad_norm(void **tensors, int n, void **out);
char *hy_clip_grads(void **tensors, int n, void *norm, double most);

char *hy_channels_last(void *self, void **out);
// Sets autocast for the CPU or CUDA; on and type (at::ScalarType) then hold what was set before.
char *hy_autocast(int cuda, int *on, int *type);
char *hy_autocast_clear(void);
char *hy_pack_conv(void *weight, int64_t stride, int64_t padding, const int64_t *input, void **out);
// If other is not NULL, it is added before the ReLU.
char *hy_packed_conv(void *x, void *packed, void *bias, void *other, int64_t stride, int64_t padding, int relu, void **out);
// rate is a scalar tensor to use instead of lr, or NULL.
char *hy_fused_sgd(void **params, void **grads, void **buffers, int n, double lr, double momentum,
                   double weight_decay, int nesterov, int first, void *rate);

char *hy_empty_pinned(const int64_t *shape, int dims, int type, void **out);
char *hy_upload(void *pinned, int device, void **out);
char *hy_device_memory(int device, int64_t *allocated, int64_t *peak, int64_t *free);
char *hy_deterministic(void);

char *hy_load_graphs(void); // before the functions below
char *hy_graph_begin(int device, void **graph);
char *hy_graph_end(void *graph);
char *hy_graph_replay(void *graph);
void hy_graph_free(void *graph);

#ifdef __cplusplus
}
#endif
#endif
