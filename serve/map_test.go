package serve_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"hymenoptera/serve"
)

// ask posts a body and decodes the answer of a status.
func ask(t *testing.T, s *serve.Server, path, contentType string, body []byte, status int) (a serve.Answer, text string) {
	t.Helper()
	r := httptest.NewRequest("POST", path, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	text = w.Body.String()
	if w.Code != status {
		t.Fatalf("%s: status %d, want %d: %s", path, w.Code, status, text)
	}
	if err := json.Unmarshal([]byte(text), &a); status == 200 && err != nil {
		t.Fatal(err)
	}
	return a, text
}

// The map has a value from 0 to 1 for each place of the last block, and does not change the answer.
func TestMap(t *testing.T) {
	s, all := newServer(t, nil), pictures(t)
	plain, _ := ask(t, s, "/v1/predict", "image/jpeg", all[0], 200)
	mapped, _ := ask(t, s, "/v1/predict?map=true", "image/jpeg", all[0], 200)
	m := mapped.Predictions[0].Map
	if m == nil || m.Width < 1 || len(m.Values) != m.Width*m.Height {
		t.Fatalf("map %+v", m)
	}
	for _, v := range m.Values {
		if !(v >= 0 && v <= 1) {
			t.Errorf("value %v of the map", v)
		}
	}
	if plain.Predictions[0].Map != nil || !close(plain.Predictions[0].Logits, mapped.Predictions[0].Logits) {
		t.Error("the map changes the answer, or comes unasked")
	}
	if _, text := ask(t, s, "/v1/predict?map=1", "image/jpeg", all[0], 400); !strings.Contains(text, `map is \"1\": want true or false`) {
		t.Error(text)
	}
	contentType, body := form(t, all[0], all[1])
	var several bytes.Buffer
	several.ReadFrom(body)
	if _, text := ask(t, s, "/v1/predict?map=true", contentType, several.Bytes(), 400); !strings.Contains(text, "map is for a single picture, and these are 2") {
		t.Error(text)
	}
}

// With a threshold every answer says whether it is unsure, and GET /v1/model returns the threshold.
func TestThreshold(t *testing.T) {
	all := pictures(t)
	for threshold, want := range map[float64]bool{1: true, 0.01: false} {
		s := newServer(t, func(c *serve.Config) { c.Classify.Threshold = threshold })
		a, _ := ask(t, s, "/v1/predict", "image/jpeg", all[0], 200)
		if got := a.Predictions[0].Unsure; got == nil || *got != want {
			t.Errorf("threshold %v: unsure %v, want %v", threshold, got, want)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/v1/model", nil))
		var m serve.Model
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m.Threshold != threshold {
			t.Errorf("GET /v1/model: threshold %v, %v, want %v", m.Threshold, err, threshold)
		}
	}
}
