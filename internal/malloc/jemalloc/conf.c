// jemalloc reads its options here. Freed memory is kept, in one arena for all threads, so that a tensor takes the pages of an
// earlier one; large blocks too.
const char *malloc_conf = "narenas:1,oversize_threshold:0,dirty_decay_ms:-1,muzzy_decay_ms:-1";
