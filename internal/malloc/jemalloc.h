const char *hym_jemalloc_version(void);
void hym_malloc_give_back(void);
