package finetune

import (
	"encoding/json"
	"reflect"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/trainer"
)

// FuzzParseCheckpoint parses a last.safetensors with arbitrary metadata and a correct digest. A checkpoint that can be read
// can be written and read again.
func FuzzParseCheckpoint(f *testing.F) {
	options, err := json.Marshal(DefaultOptions())
	if err != nil {
		f.Fatal(err)
	}
	history, err := run.EncodeHistory(metrics.History{{Name: "train", Loss: 0.5, Corrects: 2, N: 4}, {Name: "val", Loss: 0.25, Corrects: 4, N: 4}})
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range []progress{{Better: -1}, {Place: trainer.Place{Epoch: 1}, Best: "00"},
		{Place: trainer.Place{Epoch: 1, Pass: &trainer.Pass{Phase: "train", Done: 4}}, Seconds: 1.5}} {
		data, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(options), string(data), history, "report.best.values")
		f.Add(string(options), string(data), []byte(nil), "best.fc.weight")
	}
	f.Fuzz(func(t *testing.T, options, progress string, history []byte, name string) {
		sd := &checkpoint.StateDict{Metadata: map[string]string{formatKey: lastFormat, optionsKey: options, progressKey: progress},
			Tensors: []checkpoint.Tensor{byteTensor("history", history), byteTensor("files", nil), byteTensor(name, []byte{1})}}
		sd.Metadata[digestKey] = sum(sd)
		c, err := parseCheckpoint(sd)
		if err != nil {
			return
		}
		c.Where()
		written, err := c.encode(c.Best)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseCheckpoint(written)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again.progress, c.progress) || !reflect.DeepEqual(again.Options, c.Options) || !reflect.DeepEqual(again.history, c.history) {
			t.Errorf("got %+v, want %+v", again, c)
		}
	})
}
