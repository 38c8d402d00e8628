// PyTorch's c10d for Go. Every function that can fail returns its error as a string that the caller frees, or NULL.
// Tensors are at::Tensor*, owned by the caller.
#ifndef HYMENOPTERA_DIST_H
#define HYMENOPTERA_DIST_H
#include <stdint.h>
#include <stdlib.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char *host;
  int port;
  int serve; // this process holds the store
  const char *prefix;
  int rank, world;
  int64_t timeout_ms;
} hy_dist_options;

char *hy_dist_init(hy_dist_options o, void **group);
void hy_dist_free(void *group);

// NCCL for tensors on GPUs, which otherwise go through the host's memory. All processes use it or none.
char *hy_dist_load_nccl(void *group, int64_t timeout_ms);
char *hy_dist_use_nccl(void *group);

// The following functions wait until every process has called them.
char *hy_dist_sum(void *group, void *tensor);       // in place
char *hy_dist_broadcast(void *group, void **tensors, int n); // rank 0's values to the others
char *hy_dist_gather(void *group, void *tensor, void *out); // of every rank, into out of one more dimension

// Normalises x in training by the statistics of every process's batch, and moves mean and variance towards them. The result
// is differentiable: the backward pass waits for every process too.
char *hy_dist_batch_norm(void *group, void *x, void *weight, void *bias, void *mean, void *variance, double momentum, double eps, void **out);

// The store. A key is set once; looking it up does not wait.
char *hy_dist_set(void *group, const char *key, const char *value);
char *hy_dist_get(void *group, const char *key, char **value); // NULL if there is none; freed by the caller

// buckets are indices of params, with -1 after each bucket; none for length 0. hy_dist_reducer_buckets writes them into an
// array of 2*n numbers, and their number into length.
char *hy_dist_reducer(void *group, void **params, int n, const int64_t *buckets, int length, void **reducer);
char *hy_dist_reducer_buckets(void *reducer, int64_t *buckets, int *length);
char *hy_dist_reducer_prepare(void *reducer, void *output); // before the backward pass from output
char *hy_dist_reducer_finish(void *reducer);                // after it
void hy_dist_reducer_free(void *reducer);

#ifdef __cplusplus
}
#endif
#endif
