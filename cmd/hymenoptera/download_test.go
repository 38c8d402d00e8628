package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
)

// newMirror returns a server that replaces download.pytorch.org.
func newMirror(t *testing.T, files map[string][]byte) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// tutorialZip returns the tutorial's zip with drawn insects instead of the photographs. It counts as the published file
// while the test runs.
func tutorialZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names, err := filepath.Glob("testdata/insects/*/*/*")
	if err != nil || len(names) == 0 {
		t.Fatal("no insects", err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create("hymenoptera_data/" + strings.TrimPrefix(name, "testdata/insects/"))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	published := finetune.Tutorial
	t.Cleanup(func() { finetune.Tutorial = published })
	finetune.Tutorial.SHA256, finetune.Tutorial.Size = fmt.Sprintf("%x", sha256.Sum256(b.Bytes())), int64(b.Len())
	return b.Bytes()
}

// command runs a command line.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, &out, &errs, func(string) {})
	return code, out.String(), errs.String()
}

// emptyCache changes to an empty folder and puts PyTorch's cache into another one.
func emptyCache(t *testing.T) (checkpoints string) {
	home := t.TempDir()
	t.Setenv("TORCH_HOME", home)
	t.Chdir(t.TempDir())
	return filepath.Join(home, "hub", "checkpoints")
}

func TestTrainFetchesTheData(t *testing.T) {
	mirror := newMirror(t, map[string][]byte{"/tutorial/hymenoptera_data.zip": tutorialZip(t)})
	emptyCache(t)
	args := []string{"train", "--mirror", mirror.URL, "--weights", "none", "--epochs", "1", "--image-size", "32", "--device", "cpu", "--out", "run"}
	code, _, stderr := command(t, args...)
	want := fmt.Sprintf("Downloading: %q to data/hymenoptera_data.zip\n", mirror.URL+"/tutorial/hymenoptera_data.zip")
	if code != 0 || !strings.HasPrefix(stderr, want) {
		t.Fatalf("exit code %d, standard error:\n%s", code, stderr)
	}
	mirror.Close() // from now on the mirror cannot be reached
	code, out, stderr := command(t, "download", "data")
	if code != 0 || out != "data/hymenoptera_data\n" {
		t.Errorf("there already: exit code %d, output %q, %q", code, out, stderr)
	}
	for _, want := range []string{"data/hymenoptera_data removed\n", "data/hymenoptera_data is not here\n"} {
		if code, out, stderr := command(t, "download", "data", "--remove"); code != 0 || out != want {
			t.Errorf("exit code %d, output %q, %q, want %q", code, out, stderr, want)
		}
	}
}

// train accepts only the published weights under their name, from a mirror too.
func TestTrainRefusesOtherWeights(t *testing.T) {
	mirror := newMirror(t, map[string][]byte{"/models/resnet18-f37072fd.pth": []byte("not the weights")})
	data, err := filepath.Abs("testdata/insects")
	if err != nil {
		t.Fatal(err)
	}
	checkpoints := emptyCache(t)
	for _, name := range []string{"IMAGENET1K_V1", "DEFAULT"} {
		code, _, stderr := command(t, "train", "--data", data, "--weights", name, "--mirror", mirror.URL, "--out", "run")
		if code != cli.ExitFailure || !strings.Contains(stderr, "it has 15 bytes, but the published file has 46830571") || !strings.Contains(stderr, "or pass --weights FILE") {
			t.Errorf("%s: exit code %d, standard error:\n%s", name, code, stderr)
		}
	}
	if entries, _ := os.ReadDir(checkpoints); len(entries) > 0 {
		t.Errorf("the cache holds %v", entries)
	}
	if _, err := os.Stat("run"); err == nil {
		t.Error("a run's folder was made")
	}
}

func TestDownloadCommandLine(t *testing.T) {
	mirror := newMirror(t, nil)
	checkpoints := emptyCache(t)
	own := t.TempDir()
	for _, tt := range []struct {
		args   string
		code   int
		stdout string // a part of standard output
		stderr string // a part of standard error
	}{
		{"download", 0, "download weights resnet18 googlenet", ""},
		{"download --list", 0, "resnet152  IMAGENET1K_V2     -  " + checkpoints + "/resnet152-f82ba261.pth\n", ""},
		{"download --list", 0, "data       hymenoptera_data", ""},
		{"download weights googlenet --list", 0, "googlenet  IMAGENET1K_V1  -  " + checkpoints + "/googlenet-1378be20.pth\n", ""},
		{"download data --list --dir x", 0, "data  hymenoptera_data  -  x\n", ""},
		{"download --remove", cli.ExitUsage, "", "--remove: name weights or data"},
		{"download --list --remove", cli.ExitUsage, "", "do not go together"},
		{"download weights --remove", 0, checkpoints + "/resnet18-f37072fd.pth is not here\n" + checkpoints + "/googlenet-1378be20.pth is not here\n", ""},
		{"download data --remove --dir " + own, cli.ExitFailure, "", "remove it by hand"},
		{"download weights --insecure-mirror", cli.ExitUsage, "", "--insecure-mirror: has no effect without --mirror"},
		{"train --insecure-mirror", cli.ExitUsage, "", "--insecure-mirror: has no effect without --mirror"},
		{"download weights vgg", cli.ExitUsage, "", "vgg"},
		{"download weights resnet18 --weights IMAGENET1K_V2", cli.ExitUsage, "", "want one of IMAGENET1K_V1, DEFAULT"},
		{"download weights --mirror " + mirror.URL, cli.ExitFailure, "", "does not have it (404 Not Found); if this goes on, fetch it elsewhere and put it at " + checkpoints},
		{"download data --mirror " + mirror.URL, cli.ExitFailure, "", "put it at data/hymenoptera_data.zip"},
		{"download weights --mirror pytorch.example", cli.ExitUsage, "", "a mirror is an address"},
		{"download weights googlenet --mirror http://mirror.example", cli.ExitUsage, "", "only the first 8 digits of the file's hash are known; take an https:// address, or add --insecure-mirror"},
		{"train --weights IMAGENET1K_V2", cli.ExitUsage, "", "want one of IMAGENET1K_V1, DEFAULT"},
		{"train --mirror " + mirror.URL, cli.ExitFailure, "", "--data takes any other folder"},
	} {
		code, stdout, stderr := command(t, strings.Fields(tt.args)...)
		if left, _ := os.ReadDir("."); len(left) > 0 {
			t.Errorf("%s: left %v", tt.args, left)
		}
		if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("%s: exit code %d, want %d; output:\n%s%s", tt.args, code, tt.code, stdout, stderr)
		}
	}
}

// A signal ends a download with its exit code and keeps the bytes so far; the next run resumes it.
func TestInterruptedDownload(t *testing.T) {
	body := tutorialZip(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ranges := make(chan string, 10) // the Range headers of the requests
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wanted := r.Header.Get("Range")
		ranges <- wanted
		w.Header().Set("ETag", `"1"`)
		if wanted != "" {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body[:1000])
		http.NewResponseController(w).Flush()
		for info, err := os.Stat("data/hymenoptera_data.zip.partial"); err != nil || info.Size() < 1000; info, err = os.Stat("data/hymenoptera_data.zip.partial") {
			time.Sleep(time.Millisecond)
		}
		cancel(cli.Interrupt{Signal: syscall.SIGINT})
		<-r.Context().Done()
	}))
	defer mirror.Close()
	emptyCache(t)
	var out, stderr bytes.Buffer
	code := execute(ctx, []string{"download", "data", "--mirror", mirror.URL}, &out, &stderr, func(string) {})
	if code != cli.ExitSignal+int(syscall.SIGINT) || !strings.Contains(stderr.String(), "1000 bytes stay in data/hymenoptera_data.zip.partial") {
		t.Fatalf("exit code %d, standard error:\n%s", code, &stderr)
	}
	if code, out, _ := command(t, "download", "data", "--list"); code != 0 || !strings.Contains(out, "begun") {
		t.Errorf("exit code %d, list %q", code, out)
	}
	if code, _, stderr := command(t, "download", "data", "--mirror", mirror.URL); code != 0 {
		t.Errorf("exit code %d, standard error:\n%s", code, stderr)
	}
	if first, second := <-ranges, <-ranges; first != "" || second != "bytes=1000-" || len(ranges) > 0 {
		t.Errorf("ranges %q and %q, and %d more", first, second, len(ranges))
	}
}
