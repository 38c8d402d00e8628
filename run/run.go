// Package run reads and writes the folder of a training:
//
//	config.json       the options, and the versions and the data that the run used
//	history.jsonl     a line per phase, written when the phase ends
//	best.safetensors  the best weights so far, with everything needed to use them
//	last.safetensors  the training at its last checkpoint, to resume it
//	predictions.json  the best weights' predictions for the validation images
//	report.html       a report; its pictures are grid.png, predictions.png, curves.png and curves.svg
//	result.json       the result, written only when the training ends normally
//
// Every file is whole at any moment: a file is replaced by renaming, or grows by whole lines.
package run

import "hymenoptera/metrics"

// Names of the files in a run's folder.
const (
	ConfigFile  = "config.json"
	HistoryFile = "history.jsonl"
	BestFile    = "best.safetensors"
	LastFile    = "last.safetensors"
	ResultFile  = "result.json"

	ReportFile      = "report.html"
	PredictionsFile = "predictions.json"

	keptFile = "last-best.safetensors" // see SaveLast
)

// files returns the names of all files that a run may leave.
func files() []string {
	return []string{ConfigFile, HistoryFile, BestFile, LastFile, keptFile, ResultFile, ReportFile, PredictionsFile,
		"grid.png", "predictions.png", "curves.png", "curves.svg"}
}

// A Setup is the part of config.json besides the options: data, model and versions.
type Setup struct {
	Command       string   `json:"command,omitempty"` // repeats the run
	Classes       []string `json:"classes"`
	TrainImages   int      `json:"train_images"`
	ValImages     int      `json:"val_images"`
	ValFiles      string   `json:"val_files,omitempty"` // SHA-256 of the validation images' names and sizes
	Trainable     int      `json:"trainable_parameters"`
	Parameters    int      `json:"parameters"`
	Skipped       []string `json:"skipped_images,omitempty"` // skipped images, with the reason
	Version       string   `json:"version"`                  // of this module
	Commit        string   `json:"commit,omitempty"`
	Libtorch      string   `json:"libtorch"`
	CPUCapability string   `json:"cpu_capability"`
	Go            string   `json:"go"`
}

// A Result is the result of a training, as in result.json.
type Result struct {
	Best    metrics.Phase `json:"best"`
	Seconds float64       `json:"seconds"`
	// ReportSeconds is the time for the report and its pictures, during the training and after it.
	ReportSeconds float64 `json:"report_seconds"`
	PeakMemory    int64   `json:"peak_memory"`               // bytes of the process
	PeakGPUMemory int64   `json:"peak_gpu_memory,omitempty"` // bytes of tensors on a CUDA device
	FinalSHA256   string  `json:"final_sha256"`              // of the state dict after the last epoch
	BestSHA256    string  `json:"best_sha256"`               // of the best one
	Stopped       string  `json:"stopped,omitempty"`         // why the training ended before its last epoch
}

// A Prediction is a line of predictions.json.
type Prediction struct {
	File       string  `json:"file"` // below the validation folder
	Label      string  `json:"label"`
	Predicted  string  `json:"predicted"`
	Confidence float64 `json:"confidence"` // the probability of the predicted class
}
