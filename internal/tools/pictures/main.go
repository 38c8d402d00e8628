// Command pictures decodes files as the program does and prints, for each path on standard input, the size and the SHA-256
// of the RGB bytes, or the error. make parity-pictures compares them with Pillow's.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"

	"hymenoptera/dataset"
	"hymenoptera/transforms"
)

// An outcome is the result for a file.
type outcome struct {
	File          string
	Width, Height int    `json:",omitempty"`
	SHA256        string `json:",omitempty"`
	Error         string `json:",omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		if err := out.Encode(decode(in.Text())); err != nil {
			fmt.Fprintln(os.Stderr, "pictures:", err)
			os.Exit(1)
		}
	}
}

// decode decodes a file.
func decode(path string) outcome {
	o := outcome{File: path}
	data, err := os.ReadFile(path)
	if err == nil {
		var m transforms.Image
		if err = dataset.Decode(&m, data); err == nil {
			o.Width, o.Height, o.SHA256 = m.Width, m.Height, sum(&m)
		}
	}
	if err != nil {
		o.Error = err.Error()
	}
	return o
}

// sum returns the SHA-256 of a picture's RGB bytes.
func sum(m *transforms.Image) string {
	h := sha256.New()
	row := make([]byte, 0, 3*m.Width)
	for y := range m.Height {
		row = row[:0]
		for x := range m.Width {
			r, g, b := m.At(x, y)
			row = append(row, r, g, b)
		}
		h.Write(row)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
