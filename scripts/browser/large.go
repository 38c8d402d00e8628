//go:build ignore

// Writes a report of 10,000 validation images of 200 classes, with as many thumbnails as a training makes, for test.sh.
//
//	go run scripts/browser/large.go FILE
package main

import (
	"bytes"
	"fmt"
	"image"
	"log"
	"math/rand/v2"
	"os"

	"hymenoptera/metrics"
	"hymenoptera/report"
)

func main() {
	const n, classes, thumbnails = 10_000, 200, 500
	r := rand.New(rand.NewPCG(1, 2))
	page := report.Page{Title: "10,000 images of 200 classes", Epochs: 1, Thumbnails: map[int]report.Thumbnail{}}
	for c := range classes {
		page.Classes = append(page.Classes, fmt.Sprintf("class_number_%03d", c))
	}
	bytesLeft := report.ThumbnailBytes
	val := metrics.Phase{Name: "val", N: n, Loss: 1, Seconds: 1}
	for i := range n {
		p := metrics.Prediction{Sample: i, Label: i % classes, Probs: make([]float64, classes)}
		guess, share := p.Label, 0.3+0.7*r.Float64()
		if r.Float64() < 0.3 {
			guess = r.IntN(classes)
		}
		for j := range p.Probs {
			p.Probs[j] = (1 - share) / classes
		}
		p.Probs[guess] += share
		if p.Right() {
			val.Corrects++
		}
		page.Predictions = append(page.Predictions, p)
		page.Files = append(page.Files, fmt.Sprintf("%s/picture-%08d.jpg", page.Classes[p.Label], i))
		if len(page.Thumbnails) < thumbnails && bytesLeft > 0 && !p.Right() {
			t, err := report.NewThumbnail(noise(r))
			if err != nil {
				log.Fatal(err)
			}
			page.Thumbnails[i] = t
			bytesLeft -= len(t)
		}
	}
	val.Acc = float64(val.Corrects) / n
	page.History = metrics.History{{Name: "train", N: n, Loss: 1, Acc: 0.6, Seconds: 9}, val}
	var b bytes.Buffer
	if err := page.Write(&b); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], b.Bytes(), 0o666); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %.2f MB\n", os.Args[1], float64(b.Len())/1e6)
}

// noise returns a picture that takes as many bytes as a photograph.
func noise(r *rand.Rand) image.Image {
	small := image.NewRGBA(image.Rect(0, 0, 224, 224))
	for i := range small.Pix {
		small.Pix[i] = 255
	}
	for range 150 { // rectangles
		x, y, c := r.IntN(200), r.IntN(200), [3]byte{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}
		for dy := range r.IntN(24) {
			for dx := range r.IntN(24) {
				copy(small.Pix[small.PixOffset(x+dx, y+dy):], c[:])
			}
		}
	}
	return small
}
