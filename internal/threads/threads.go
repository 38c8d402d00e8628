// Package threads checks that a program may start the threads that it will need.
package threads

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>

static void *stay(void *lock) {
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return 0;
}

// startable returns how many of n threads can run at once. They have ended when it returns.
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

// spare is how many more threads Go needs: for signals, the report, the collector.
const spare = 8

// Reserve starts goroutines+8 threads, which Go keeps for goroutines, and checks that libtorch can start the given
// number of computing threads beside them. If a thread cannot be started later, Go and libgomp abort the program;
// Reserve returns an error before that.
func Reserve(goroutines, computing int) error {
	n := goroutines + spare
	if started := int(C.startable(C.int(n + computing))); started < n+computing {
		return fmt.Errorf("%d more threads can be started here, and %d may be needed", started, n+computing)
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
