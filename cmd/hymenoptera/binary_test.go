package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A built is the built program. Its tests check what a user sees: the exit code, the output and the files.
type built struct {
	path string
	env  []string
}

// build builds the program as make does.
func build(t *testing.T) built {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "hymenoptera")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	env := []string{"OMP_WAIT_POLICY=passive", "TORCH_HOME=" + filepath.Join(dir, "torch"), "https_proxy=http://127.0.0.1:9",
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for _, name := range []string{"QEMU_LD_PREFIX", "QEMU_CPU"} { // scripts/emulate.sh sets them
		if value, found := os.LookupEnv(name); found {
			env = append(env, name+"="+value)
		}
	}
	return built{path, env}
}

// Variables in a child's environment that say what the helper process does before it becomes the program: see become.
const (
	becomeProgram   = "HYMENOPTERA_TEST_PROGRAM"
	becomeFileLimit = "HYMENOPTERA_TEST_FILE_LIMIT" // bytes
	becomeNohup     = "HYMENOPTERA_TEST_NOHUP"
	becomeGroup     = "HYMENOPTERA_TEST_CGROUP" // the folder of the group
)

// become replaces this process with the program, without root's right to read and write everything. If the variables ask for
// it, the size of files is limited, SIGHUP is ignored, or the process is in a control group.
func become(program string) {
	runtime.LockOSThread()
	if os.Geteuid() == 0 {
		for _, c := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
				panic(err)
			}
		}
	}
	if n, err := strconv.ParseUint(os.Getenv(becomeFileLimit), 10, 64); err == nil {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			panic(err)
		}
	}
	if group := os.Getenv(becomeGroup); group != "" {
		if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte("0"), 0o666); err != nil {
			panic(err)
		}
	}
	if os.Getenv(becomeNohup) != "" {
		signal.Ignore(syscall.SIGHUP)
	}
	panic(syscall.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ()))
}

// command returns the program in dir.
func (b built) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Dir, cmd.Env = dir, b.env
	return cmd
}

// restricted returns the program as become runs it: without root's rights.
func (b built) restricted(t *testing.T, env ...string) built {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return built{self, slices.Concat(b.env, env, []string{becomeProgram + "=" + b.path})}
}

// A result is what a user sees.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the program to its end. If it hangs, run kills it, and the result has no exit code.
func (b built) run(t *testing.T, dir string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := b.command(ctx, dir, args...)
	return finish(t, cmd, cmd.Run)
}

// finish collects the result of f, which starts cmd and waits for it.
func finish(t *testing.T, cmd *exec.Cmd, f func() error) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	err := f()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// check compares a result with the exit code and a part of standard error, which must be short and free of text that only
// a programmer understands.
func (r result) check(t *testing.T, code int, line string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if !strings.Contains(r.stderr, line) {
		t.Errorf("standard error lacks %q", line)
	}
	for _, bad := range []string{"panic", "goroutine", "terminate called", "c10::", "what()", "enforce fail", "Exception raised", ".cpp"} {
		if strings.Contains(r.stderr, bad) {
			t.Errorf("standard error has %q", bad)
		}
	}
	if n := strings.Count(r.stderr, "\n"); n > 16 { // a long training logs some messages, and in an emulator oneDNN logs a line per process
		t.Errorf("standard error has %d lines", n)
	}
	if t.Failed() {
		t.Logf("standard error:\n%s", r.stderr)
	}
}

// tree lists everything under dir.
func tree(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		if errors.Is(err, fs.ErrPermission) {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// unchanged fails the test if files were added or removed since before, which tree returned.
func unchanged(t *testing.T, dir string, before []string) {
	t.Helper()
	after := tree(t, dir)
	for _, d := range []struct {
		what     string
		old, new []string
	}{{"left", before, after}, {"gone", after, before}} {
		was := map[string]bool{}
		for _, p := range d.old {
			was[p] = true
		}
		if more := slices.DeleteFunc(slices.Clone(d.new), func(p string) bool { return was[p] }); len(more) > 0 {
			t.Errorf("%s: %q", d.what, more[:min(5, len(more))])
		}
	}
}

// insects copies a few of the drawn insects to dir/data and returns dir.
func insects(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"train/ants/000.jpg", "train/ants/001.jpg", "train/bees/000.jpg", "train/bees/001.jpg", "val/ants/000.jpg", "val/bees/000.jpg"} {
		copyFile(t, filepath.Join("testdata/insects", name), filepath.Join(dir, "data", name))
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(data))
}

// write makes a file and the folders around it.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// try ends the test on an error.
func try(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
