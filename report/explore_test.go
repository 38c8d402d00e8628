package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"regexp"
	"strings"
	"testing"

	"hymenoptera/metrics"
)

// largePage returns a page of 10,000 validation images of 200 classes, with as many thumbnails as a training makes.
func largePage(t *testing.T) *Page {
	t.Helper()
	const n, classes, thumbs, each = 10_000, 200, 500, 5400
	p := &Page{Title: "large", Epochs: 1, History: metrics.History{{Name: "train", N: n, Loss: 1}, {Name: "val", N: n, Corrects: n / 2, Acc: 0.5, Loss: 1}}, Thumbnails: map[int]Thumbnail{}}
	for c := range classes {
		p.Classes = append(p.Classes, fmt.Sprintf("class_number_%03d", c))
	}
	for i := range n {
		x := metrics.Prediction{Sample: i, Label: i % classes, Probs: make([]float64, classes)}
		x.Probs[(i*i/7)%classes] = 1
		p.Predictions = append(p.Predictions, x)
		p.Files = append(p.Files, fmt.Sprintf("%s/picture-%08d.jpg", p.Classes[i%classes], i))
		if i < thumbs {
			p.Thumbnails[i] = bytes.Repeat([]byte{byte(i)}, each)
		}
	}
	return p
}

func TestLargePageIsSmall(t *testing.T) {
	var b bytes.Buffer
	if err := largePage(t).Write(&b); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 5_000_000 {
		t.Errorf("the page has %d bytes, want at most 5 MB", b.Len())
	}
}

// The page's policy lets its own script run, and its data are what the script reads.
func TestExplorablePage(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 400, 200))
	thumb, err := NewThumbnail(m)
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := image.DecodeConfig(bytes.NewReader(thumb)); err != nil || c.Width != 160 || c.Height != 80 {
		t.Errorf("a thumbnail of 400×200 pixels has %d×%d, %v", c.Width, c.Height, err)
	}
	p := Page{Title: "t", Classes: []string{"ants", "</script>\u202e"}, Epochs: 1, History: metrics.History{{Name: "val", N: 2, Corrects: 1, Acc: 0.5, Loss: 1}},
		Files: []string{"ants/a.jpg", "<b>.jpg"}, Thumbnails: map[int]Thumbnail{1: thumb},
		Predictions: []metrics.Prediction{{Sample: 1, Label: 1, Probs: []float64{0.75, 0.25}}, {Sample: 0, Label: 0, Probs: []float64{0.9, 0.1}}}}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	js := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(page)
	if js == nil {
		t.Fatal("the page has no script")
	}
	sum := sha256.Sum256([]byte(js[1]))
	if hash := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(html.UnescapeString(page), "script-src 'sha256-"+hash+"'") {
		t.Errorf("the policy does not name the script's hash %s", hash)
	}
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if data == nil {
		t.Fatal("the page has no data")
	}
	var got explored
	if err := json.Unmarshal([]byte(data[1]), &got); err != nil {
		t.Fatal(err)
	}
	want := "[[<b>.jpg 1 0 0.75 0] [ants/a.jpg 0 0 0.9 -1]]"
	if fmt.Sprint(got.Images) != want || len(got.Thumbs) != 1 || got.Classes[1] != `</script>\u202e` {
		t.Errorf("got %v, %d thumbnails, classes %q; want %s", got.Images, len(got.Thumbs), got.Classes, want)
	}
	if !strings.Contains(page, `data-cell="1 0"`) {
		t.Error("no cell of the matrix leads to its pictures")
	}
}

func TestUnequalClasses(t *testing.T) {
	p := Page{Classes: []string{"a", "b", "c"}}
	add := func(label, predicted, n int) {
		for range n {
			x := metrics.Prediction{Label: label, Probs: make([]float64, 3)}
			x.Probs[predicted] = 1
			p.Predictions = append(p.Predictions, x)
		}
	}
	add(0, 0, 10)
	add(1, 1, 8)
	add(2, 0, 7)
	if p.Unequal() {
		t.Error("10, 8 and 7 images are unequal")
	}
	add(0, 0, 10)
	if !p.Unequal() {
		t.Error("20, 8 and 7 images are not unequal")
	}
	if rows := p.LeastRecalls(); len(rows) != 3 || rows[0].Name != "c" || rows[0].Recall != 0 {
		t.Errorf("least recalls %v", rows)
	}
}
