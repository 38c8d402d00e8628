package dist

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// An Env has the number of processes, this one's rank, and the address at which they meet.
type Env struct {
	Rank  int // 0 to World-1
	World int // processes
	Local int // the process's number on its machine

	Host  string // of the store
	Port  int
	Serve bool   // the process of rank 0 holds the store, and not the launcher
	Round string // distinguishes the processes of one start from those of others that use the same store
	// Timeout is the longest wait for another process, in one call.
	Timeout time.Duration
}

// DefaultTimeout is a good Env.Timeout: more than the processes can be apart.
const DefaultTimeout = 10 * time.Minute

// An EnvError says that a variable of the environment is missing or cannot be used.
type EnvError struct{ Name, Value, Problem string }

func (e *EnvError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s is not set: %s", e.Name, e.Problem)
	}
	return fmt.Sprintf("%s is %q: %s", e.Name, e.Value, e.Problem)
}

// FromEnv reads the variables that torchrun and other launchers of PyTorch's distributed trainings set: RANK, WORLD_SIZE,
// LOCAL_RANK, MASTER_ADDR, MASTER_PORT, TORCHELASTIC_USE_AGENT_STORE and TORCHELASTIC_RESTART_COUNT. Without them, World is
// 1. The error is an [*EnvError].
func FromEnv() (Env, error) {
	env := Env{World: 1, Timeout: DefaultTimeout}
	if os.Getenv("WORLD_SIZE") == "" && os.Getenv("RANK") == "" {
		return env, nil
	}
	var err error
	if env.World, err = number("WORLD_SIZE", 1, 1<<20, "want the number of processes"); err != nil {
		return env, err
	}
	if env.Rank, err = number("RANK", 0, env.World-1, fmt.Sprintf("want 0 to %d, the number of this process of WORLD_SIZE=%d", env.World-1, env.World)); err != nil {
		return env, err
	}
	if env.World == 1 {
		return env, nil
	}
	if os.Getenv("LOCAL_RANK") != "" {
		if env.Local, err = number("LOCAL_RANK", 0, env.World-1, "want the number of this process on its machine"); err != nil {
			return env, err
		}
	}
	if env.Host = os.Getenv("MASTER_ADDR"); env.Host == "" {
		return env, &EnvError{"MASTER_ADDR", "", "want the host name or address of the process of rank 0"}
	}
	if env.Port, err = number("MASTER_PORT", 1, 65535, "want a port that is free on MASTER_ADDR"); err != nil {
		return env, err
	}
	env.Serve = env.Rank == 0 && os.Getenv("TORCHELASTIC_USE_AGENT_STORE") != "True"
	env.Round = os.Getenv("TORCHELASTIC_RESTART_COUNT")
	return env, nil
}

// number reads a variable from low to high.
func number(name string, low, high int, problem string) (int, error) {
	value := os.Getenv(name)
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, &EnvError{name, value, problem}
	}
	return n, nil
}
