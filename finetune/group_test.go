package finetune

import "testing"

func TestCompareOptions(t *testing.T) {
	for _, c := range []struct{ first, theirs, want string }{
		{`{"lr":0.1,"best":"loss"}`, `{"lr":0.1,"best":"loss"}`, ""},
		{`{"lr":0.1,"best":"loss"}`, `{"lr":0.1,"best":"accuracy"}`, "best: rank 0 has loss and rank 3 accuracy: want the same for all processes"},
		{`{"lr":0.1}`, `{"lr":0.1,"ema":0.9}`, "ema: rank 0 has the default and rank 3 0.9: want the same for all processes"},
		{`{"lr":0.1,"classes":["a","b"]}`, `{"lr":0.1}`, `classes: rank 0 has ["a","b"] and rank 3 the default: want the same for all processes`},
	} {
		got := ""
		if err := compareOptions([]byte(c.first), []byte(c.theirs), 3); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s, %s: got %q, want %q", c.first, c.theirs, got, c.want)
		}
	}
}
