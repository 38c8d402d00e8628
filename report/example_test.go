package report_test

import (
	"bytes"
	"fmt"
	"log"

	"hymenoptera/metrics"
	"hymenoptera/report"
)

// The page of a training of one epoch: only its classes and its curves.
func ExamplePage() {
	page := report.Page{
		Title:   "resnet18 on bees",
		Classes: []string{"ants", "bees"},
		Epochs:  1,
		History: metrics.History{
			{Epoch: 0, Name: "train", Loss: 0.6, Acc: 0.7, Corrects: 171, N: 244, LR: 0.001},
			{Epoch: 0, Name: "val", Loss: 0.3, Acc: 0.9, Corrects: 138, N: 153, LR: 0.001},
		},
	}
	var html bytes.Buffer // or a file, report.html
	if err := page.Write(&html); err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Running(), page.Best().Acc, bytes.Contains(html.Bytes(), []byte("resnet18 on bees")))
	// Output: false 0.9 true
}

func ExampleSparkline() {
	fmt.Println(report.Sparkline([]float64{0.70, 0.52, 0.41, 0.30, 0.28, 0.26}, 10))
	// Output: █▅▃▁▁▁
}
