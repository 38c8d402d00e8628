package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>

static void *stay(void *lock) {
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return 0;
}

// startable returns how many of n threads can be there at once. They end before it returns.
static int startable(int n) {
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t threads[n];
	int started = 0;
	pthread_mutex_lock(&lock);
	while (started < n && pthread_create(&threads[started], 0, stay, &lock) == 0)
		started++;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], 0);
	return started;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
)

// spareThreads is how many threads Go takes beside one for each worker: for a signal, the report, the collector.
const spareThreads = 8

// reserveThreads has Go start the threads that a training with so many workers needs, of which it keeps those that have
// nothing to do. Where no more can be started Go ends the program wherever it is, and libtorch does so with its own
// threads, of which there will be computing ones: so it is found out first.
func reserveThreads(workers, computing int) error {
	n := workers + spareThreads
	if started := int(C.startable(C.int(n + computing))); started < n+computing {
		return fmt.Errorf("%d more threads can be started here, and %d may be needed: raise the limit (ulimit -u, or pids.max of the control group), or lower --workers and --threads",
			started, n+computing)
	}
	var started, done sync.WaitGroup
	started.Add(n)
	for range n {
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			started.Wait()
		})
	}
	done.Wait()
	return nil
}
