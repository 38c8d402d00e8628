package finetune

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/trainer"
)

// A Checkpoint is the state of a training between two steps, read from the last.safetensors in a run's folder.
type Checkpoint struct {
	Options Options // of the training; Out is the run's folder
	progress
	history   metrics.History
	files     []byte // of the images: see listFiles
	best      answerTensors
	shown     answerTensors
	state     *trainer.State // nil once the training has taken it
	processes int            // that wrote it; set before the training takes the state
	ended     bool           // the run's folder has its result
	last      *run.Last      // nil in a process of a group that does not write the run
}

// A progress is the part of a checkpoint that is stored as JSON, beside the options.
type progress struct {
	Place   trainer.Place `json:"place"`
	Better  int           `json:"better"`            // the last epoch that was better than those before it; -1 for none
	Stopped string        `json:"stopped,omitempty"` // why the training ended before its last epoch
	Final   string        `json:"final_sha256,omitempty"`
	Best    string        `json:"best_sha256,omitempty"` // of the weights in best.safetensors; "" for none
	Stuck   stuckness     `json:"stuck"`

	Seconds       float64 `json:"seconds"`
	ReportSeconds float64 `json:"report_seconds"`
	PeakMemory    int64   `json:"peak_memory"`

	origin
}

// An origin has the values, apart from the options, on which the last bits of a training depend.
type origin struct {
	Device         string `json:"device"`
	Libtorch       string `json:"libtorch"`
	CPUCapability  string `json:"cpu_capability"`
	WeightsFile    string `json:"weights_file,omitempty"`    // with Probe: Options.Weights, for any working directory
	StartSHA256    string `json:"start_sha256,omitempty"`    // with Probe: of the network before the training
	TransformInput string `json:"transform_input,omitempty"` // of GoogLeNet: see zoo.TransformInputKey
}

// Keys of the metadata of last.safetensors.
const (
	formatKey   = "format"
	optionsKey  = "options"
	progressKey = "progress"
	digestKey   = "sha256" // of all the rest
)

// partPrefix begins the names of the tensors that each process of a group adds, followed by its rank.
const partPrefix = "rank."

// lastFormat is the value of formatKey.
const lastFormat = "hymenoptera checkpoint 1"

// A NoCheckpointError says that a folder holds no checkpoint to resume from.
type NoCheckpointError struct{ Folder string }

func (e *NoCheckpointError) Error() string {
	return fmt.Sprintf("%s holds no %s to go on from", e.Folder, run.LastFile)
}

// A CheckpointError says that a last.safetensors is damaged, or does not match the rest of its run.
type CheckpointError struct{ Err error }

func (e *CheckpointError) Error() string {
	const ofDownloads = "; get it again"
	return "the run cannot be resumed: " + strings.ReplaceAll(e.Err.Error(), ofDownloads, "")
}

func (e *CheckpointError) Unwrap() error { return e.Err }

// ReadCheckpoint reads the last.safetensors of the run in a folder. The error is a [*NoCheckpointError] if there is none, and a
// [*CheckpointError] if it cannot be used.
func ReadCheckpoint(folder string) (*Checkpoint, error) {
	last, err := run.ReadLast(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NoCheckpointError{folder}
	}
	if err != nil {
		return nil, &CheckpointError{err}
	}
	c, err := parseCheckpoint(last.StateDict)
	if err != nil {
		return nil, &CheckpointError{fmt.Errorf("%s: %w", filepath.Join(last.Dir(), run.LastFile), err)}
	}
	if c.Best != "" {
		if c.state.Best, err = last.Best(c.Best); err != nil {
			return nil, &CheckpointError{err}
		}
	}
	last.StateDict = nil // it is large
	c.Options.Out, c.last = folder, last
	_, err = run.ReadResult(last.Dir())
	c.ended = err == nil
	return c, nil
}

// parseCheckpoint parses the content of a last.safetensors and checks the parts that trainer and checkImages do not check.
func parseCheckpoint(sd *checkpoint.StateDict) (*Checkpoint, error) {
	if got := sd.Metadata[formatKey]; got != lastFormat {
		return nil, fmt.Errorf("its format is %.40q: want %q", got, lastFormat)
	}
	if sum(sd) != sd.Metadata[digestKey] {
		return nil, errors.New("it is damaged: its SHA-256 is another")
	}
	c := &Checkpoint{Options: DefaultOptions(), state: &trainer.State{}}
	if err := json.Unmarshal([]byte(sd.Metadata[optionsKey]), &c.Options); err != nil {
		return nil, fmt.Errorf("its options: %w", err)
	}
	if err := json.Unmarshal([]byte(sd.Metadata[progressKey]), &c.progress); err != nil {
		return nil, fmt.Errorf("its progress: %w", err)
	}
	c.state.Place = c.Place
	var history []byte
	for _, t := range sd.Tensors {
		switch key, best := strings.CutPrefix(t.Name, "best."); {
		case best:
			if c.state.Best == nil {
				c.state.Best = &checkpoint.StateDict{}
			}
			t.Name = key
			c.state.Best.Tensors = append(c.state.Best.Tensors, t)
		case t.Name == "history":
			history = t.Data
		case t.Name == "files":
			c.files = t.Data
		case strings.HasPrefix(t.Name, "report."):
			if !c.best.take("report.best.", t) && !c.shown.take("report.shown.", t) {
				return nil, fmt.Errorf("it has a tensor %.80q", t.Name)
			}
		case strings.HasPrefix(t.Name, partPrefix):
			c.state.Parts = append(c.state.Parts, t.Data)
		default:
			c.state.Tensors = append(c.state.Tensors, t)
		}
	}
	var err error
	if c.history, err = run.ParseHistory(history); err != nil {
		return nil, fmt.Errorf("its history: %w", err)
	}
	return c, errors.Join(c.Options.Validate(), c.check())
}

// check returns an error for a progress that contradicts itself.
func (c *Checkpoint) check() error {
	phases := 2 * c.Place.Epoch
	if p := c.Place.Pass; p != nil && p.Phase == "val" {
		phases++
	}
	if c.Place.Epoch < 0 || len(c.history) != phases {
		return fmt.Errorf("it is in epoch %d after %d phases", c.Place.Epoch, len(c.history))
	}
	for i, p := range c.history {
		if p.Epoch != i/2 || p.Name != [2]string{"train", "val"}[i%2] || p.N < 1 || p.Corrects < 0 || p.Corrects > p.N {
			return fmt.Errorf("phase %d of its history is %+v", i, p)
		}
	}
	const most = 1e12 // seconds
	switch {
	case c.Better < -1 || c.Better > c.Place.Epoch || c.Stuck.Epochs < 0 || c.PeakMemory < 0,
		!(c.Seconds >= 0 && c.Seconds <= most) || !(c.ReportSeconds >= 0 && c.ReportSeconds <= most):
		return fmt.Errorf("its progress is %+v", c.progress)
	}
	return nil
}

// sum returns the SHA-256 of a checkpoint without digestKey.
func sum(sd *checkpoint.StateDict) string {
	h := sha256.New()
	tensors := sd.SHA256()
	h.Write(tensors[:])
	for _, key := range []string{formatKey, optionsKey, progressKey} {
		fmt.Fprintf(h, "%d:%s", len(sd.Metadata[key]), sd.Metadata[key])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// encode returns the content of last.safetensors. best is the SHA-256 of the weights in best.safetensors that count, or "".
func (c *Checkpoint) encode(best string) (*checkpoint.StateDict, error) {
	c.Place, c.Best = c.state.Place, best
	options, err := json.Marshal(c.Options)
	if err != nil {
		return nil, err
	}
	progress, err := json.Marshal(c.progress)
	if err != nil {
		return nil, err
	}
	history, err := run.EncodeHistory(c.history)
	if err != nil {
		return nil, err
	}
	sd := &checkpoint.StateDict{Tensors: c.state.Tensors, Metadata: map[string]string{
		formatKey: lastFormat, optionsKey: string(options), progressKey: string(progress)}}
	sd.Tensors = append(sd.Tensors, byteTensor("history", history), byteTensor("files", c.files))
	for i, part := range c.state.Parts {
		sd.Tensors = append(sd.Tensors, byteTensor(fmt.Sprintf("%s%06d", partPrefix, i+1), part))
	}
	if c.state.Best != nil {
		for _, t := range c.state.Best.Tensors {
			t.Name = "best." + t.Name
			sd.Tensors = append(sd.Tensors, t)
		}
	}
	sd.Tensors = append(append(sd.Tensors, c.best.tensors("report.best.")...), c.shown.tensors("report.shown.")...)
	sd.Metadata[digestKey] = sum(sd)
	return sd, nil
}

func byteTensor(name string, data []byte) checkpoint.Tensor {
	return checkpoint.Tensor{Name: name, DType: checkpoint.Uint8, Shape: []int64{int64(len(data))}, Data: data}
}

// Where returns the place of the checkpoint in the training: "epoch 7, step 3".
func (c *Checkpoint) Where() string {
	switch p := c.Place.Pass; {
	case p == nil:
		return fmt.Sprintf("epoch %d", c.Place.Epoch)
	case p.Phase == "val":
		return fmt.Sprintf("epoch %d, validation step %d", c.Place.Epoch, p.Position.Batches)
	default:
		return fmt.Sprintf("epoch %d, step %d", c.Place.Epoch, p.Position.Batches)
	}
}

// Finished reports whether the run with the options o needs no more training. It checks o as Resume does.
func (c *Checkpoint) Finished(o Options) (bool, error) {
	return c.ended && (c.Stopped != "" || c.Place.Epoch >= o.Epochs), c.differences(o)
}
