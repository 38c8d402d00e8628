package threads

import (
	"os"
	"syscall"
)

// SleepWhileWaiting makes libtorch's threads sleep rather than spin while they wait for each other. That is no slower on an
// idle machine, and three times as fast if other programs use the cores too. libgomp reads the variable when it is loaded,
// before main, so the program starts itself again; if that fails it continues unchanged.
func SleepWhileWaiting() {
	const policy = "OMP_WAIT_POLICY"
	if os.Getenv(policy) != "" || os.Getenv("GOMP_SPINCOUNT") != "" {
		return
	}
	self, err := os.Executable()
	if err != nil || os.Setenv(policy, "passive") != nil {
		return
	}
	syscall.Exec(self, os.Args, os.Environ())
}
