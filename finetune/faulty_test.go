package finetune

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/disk/disktest"
	"hymenoptera/internal/synth"
	"hymenoptera/run"
)

var every = flag.Bool("every", false, "fail every operation of a run, not one of twenty-five (make failing-writes)")

// If an operation on the run's files fails, alone or with all later ones, the training succeeds, with a warning if a picture
// is missing, or it fails with one line that names the file and the reason. No file is left half-written.
func TestFailingWrites(t *testing.T) {
	images := filepath.Join(t.TempDir(), "images")
	if err := synth.Write(images, synth.Config{Train: 2, Val: 1, MinSide: 40, MaxSide: 60}); err != nil {
		t.Fatal(err)
	}
	whole := failing{}
	if whole.train(t, images); whole.err != nil || whole.log.Len() > 0 {
		t.Fatalf("nothing failed: error %v, logged %q", whole.err, &whole.log)
	}
	// The report is written during the training whenever there is time, so runs differ in their operations.
	ops := slices.Sorted(slices.Values(whole.files.Ops()))
	ended, warned, stopped, never, resumed := 0, 0, 0, 0, 0
	for i, op := range ops {
		for k, last := range []bool{false, true} {
			if !*every && (i+11*k)%25 != 0 {
				continue
			}
			r := failing{files: disktest.Faulty{Fail: op, Last: last}, final: whole.final, best: whole.best}
			r.train(t, images)
			name := fmt.Sprintf("%s, all after it %v", op, last)
			switch failed := r.files.Failed(); {
			case failed == nil:
				never++
			case r.err != nil:
				stopped++
				reason := errors.Unwrap(failed)
				if last && errors.Is(r.err, syscall.EROFS) {
					reason = syscall.EROFS // the error of a later operation
				}
				if line := r.err.Error(); strings.Contains(line, "\n") || !strings.Contains(line, r.out) || !strings.Contains(line, reason.Error()) {
					t.Errorf("%s: got %q, want one line that names the file and %q", name, line, failed)
				}
			case r.log.Len() > 0:
				warned++
				if log := r.log.String(); !strings.Contains(log, "the report is not complete: run: ") && !strings.Contains(log, "no checkpoint could be written") || !strings.Contains(log, errors.Unwrap(failed).Error()) {
					t.Errorf("%s: logged %q, want a warning with %q", name, log, failed)
				}
			default:
				ended++ // the file was written again
			}
			if r.err == nil && last && r.files.Failed() != nil {
				t.Errorf("%s: no error, though nothing could be written", name)
			}
			if r.check(t, name); r.resume(t, name) {
				resumed++
			}
			if err := os.RemoveAll(filepath.Dir(r.out)); err != nil { // a hundred megabytes, 600 times
				t.Error(err)
			}
		}
	}
	t.Logf("%d operations; ended whole %d, ended with a warning %d, stopped with the reason %d, did not come %d; resumed %d", len(ops), ended, warned, stopped, never, resumed)
}

// failing is a training on a file system with failing operations.
type failing struct {
	files disktest.Faulty
	out   string
	err   error
	log   strings.Builder // warnings

	final, best string // SHA-256 of the weights of a training in which no operation fails
}

func (r *failing) train(t *testing.T, images string) {
	t.Helper()
	o := DemoOptions()
	o.Data, o.Out = images, filepath.Join(t.TempDir(), "out")
	o.Epochs, o.BatchSize, o.ImageSize, o.Threads, o.Workers = 2, 2, 32, 1, 0
	r.out = o.Out
	log := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	result, err := train(t.Context(), &r.files, o, nil, Hooks{Log: log})
	if r.err = err; r.final == "" {
		r.final, r.best = result.FinalSHA256, result.BestSHA256
	}
}

// check fails unless the folder's files are whole, and all are there if the training succeeded.
func (r *failing) check(t *testing.T, name string) {
	t.Helper()
	entries, err := os.ReadDir(r.out)
	if err != nil && (r.err == nil || !errors.Is(err, fs.ErrNotExist)) {
		t.Errorf("%s: %v", name, err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
		if err := wholeFile(r.out, e.Name()); err != nil && !strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s: %s is not whole: %v", name, e.Name(), err)
		}
		if strings.HasPrefix(e.Name(), ".") && !r.files.Last {
			t.Errorf("%s: half a file is left: %s", name, e.Name())
		}
	}
	history, err := run.ReadHistory(r.out)
	if r.err == nil && (len(history) != 4 || !there[run.BestFile] || !there[run.ResultFile]) {
		t.Errorf("%s: no error, but a history of %d phases (error %v), and %v", name, len(history), err, there)
	}
	result, err := run.ReadResult(r.out)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if sd, bestErr := checkpoint.Read(filepath.Join(r.out, run.BestFile)); err != nil || bestErr != nil || fmt.Sprintf("%x", sd.SHA256()) != result.BestSHA256 {
		t.Errorf("%s: the best weights are not those of result.json: errors %v, %v", name, err, bestErr)
	}
}

// resume resumes a run and reports whether there was a checkpoint. It fails unless the run then ends like an undisturbed one.
func (r *failing) resume(t *testing.T, name string) bool {
	t.Helper()
	c, err := ReadCheckpoint(r.out)
	if missing := (*NoCheckpointError)(nil); errors.As(err, &missing) {
		return false
	}
	if err == nil {
		_, err = Resume(t.Context(), c, c.Options, Hooks{})
	}
	if err != nil {
		t.Errorf("%s: resumed: %v", name, err)
		return true
	}
	again := failing{out: r.out}
	again.check(t, name+", resumed")
	if result, err := run.ReadResult(r.out); err != nil || result.FinalSHA256 != r.final || result.BestSHA256 != r.best {
		t.Errorf("%s: resumed, the result is %+v, error %v, want the weights %s and %s", name, result, err, r.final, r.best)
	}
	return true
}

// wholeFile returns an error unless a file of a run is whole. After a failed write history.jsonl may end with part of a line.
func wholeFile(dir, name string) error {
	file := filepath.Join(dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	switch {
	case name == run.BestFile, name == "last-best.safetensors":
		_, err = checkpoint.Read(file)
	case name == run.LastFile:
		_, err = ReadCheckpoint(dir)
	case name == run.HistoryFile:
		_, err = run.ReadHistory(dir)
	case strings.HasSuffix(name, ".json"):
		var v any
		err = json.Unmarshal(data, &v)
	case strings.HasSuffix(name, ".png"):
		_, err = png.Decode(bytes.NewReader(data))
	case strings.HasSuffix(name, ".svg"), strings.HasSuffix(name, ".html"):
		if end := bytes.TrimSpace(data); !bytes.HasSuffix(end, []byte("</svg>")) && !bytes.HasSuffix(end, []byte("</html>")) {
			err = errors.New("it has no end")
		}
	default:
		err = errors.New("no file of a run")
	}
	return err
}
