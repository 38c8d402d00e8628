// jemalloc reads its options here. It keeps freed memory, large blocks too, in one arena for all threads, so that a tensor
// reuses the pages of an earlier one.
const char *malloc_conf = "narenas:1,oversize_threshold:0,dirty_decay_ms:-1,muzzy_decay_ms:-1";
