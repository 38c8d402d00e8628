package metrics

import (
	"strings"
	"testing"
)

// ReadCSV reads another program's log with its columns in any order. It refuses numbers that no training has and no curve
// can show, and names the line.
func TestReadCSV(t *testing.T) {
	h, err := ReadCSV(strings.NewReader("\ufeffloss,epoch,more,acc,phase\n0.5,0,x,0.25,train\n0.25,0,y,0.75,val\n"))
	if err != nil || len(h) != 2 || h[1] != (Phase{Epoch: 0, Name: "val", Loss: 0.25, Acc: 0.75}) {
		t.Errorf("got %+v, %v", h, err)
	}
	const head = "epoch,phase,loss,acc\n"
	for text, want := range map[string]string{
		"":                                "the log is empty",
		head:                              "no val phase",
		head + "0,train,1,1\n":            "no val phase",
		"epoch,phase,loss\n":              "acc is missing",
		head + "0,val,nan,1\n":            "line 2 of a log: loss NaN: want a finite number",
		head + "0,val,1,1\n1,val,inf,1\n": "line 3 of a log: loss +Inf",
		head + "0,val,1e308,1\n":          "loss 1e+308",
		head + "0,val,1,50\n":             "acc 50: want a share from 0 to 1",
		head + "0,val,1,nan\n":            "acc NaN",
		head + "-1,val,1,1\n":             "epoch -1",
		head + "0,test,1,1\n":             `phase "test": want train or val`,
		head + "0,val,x,1\n":              `line 2 of a log: loss "x": want a number`,
		head + "1.5,val,1,1\n":            `line 2 of a log: epoch "1.5": want a number`,
		head + "0," + strings.Repeat("x", 1e6) + ",1,1\n": `phase "` + strings.Repeat("x", 40) + `": want`,
		head + "0,val,1," + strings.Repeat("x", 1e6):      `acc "` + strings.Repeat("x", 40) + `": want`,
		head + "0,val\n": "wrong number of fields",
	} {
		if _, err := ReadCSV(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}

// Phases that history.jsonl may hold, but that no training writes.
func TestCheck(t *testing.T) {
	good := Phase{Name: "val", Loss: 1, Acc: 0.5, Corrects: 1, N: 2, Seconds: 1, Wait: 1}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Phase){
		"n -1: want a number of images":       func(p *Phase) { p.N = -1 },
		"n 2000000000: want":                  func(p *Phase) { p.N = 2e9 },
		"corrects -1: want 0 to the 2 images": func(p *Phase) { p.Corrects = -1 },
		"corrects 3: want 0 to the 2 images":  func(p *Phase) { p.Corrects = 3 },
		"seconds -1 and wait 1: want 0 to":    func(p *Phase) { p.Seconds = -1 },
		"seconds 1 and wait 1e+300: want":     func(p *Phase) { p.Wait = 1e300 },
	} {
		bad := good
		change(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q in it", err, want)
		}
	}
}
