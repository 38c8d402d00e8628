package metrics_test

import (
	"bytes"
	"testing"

	"hymenoptera/metrics"
)

// FuzzReadCSV checks that every log that ReadCSV accepts can be drawn.
func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("epoch,phase,loss,acc\n0,train,0.5,0.75\n0,val,0.25,1\n"))
	f.Add([]byte("\ufeffacc,loss,phase,epoch,more\n1,1e-3,val,0,\"a\nb\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := metrics.ReadCSV(bytes.NewReader(data))
		if (err == nil) != (len(h) > 0) {
			t.Errorf("%d phases, error %v", len(h), err)
		}
		for _, p := range h {
			if err := p.Check(); err != nil {
				t.Error(err)
			}
		}
	})
}
