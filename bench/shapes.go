//go:build ignore

// Draws shapes on noise, for trainings on sets that differ from the notebook's: docs/own-pictures.md.
//
//	go run bench/shapes.go -set unbalanced OUT      4 classes of 62, 40, 11 and 12 pictures to train with, 12 each to validate
//	go run bench/shapes.go -set many OUT            20 classes, a shape in a colour, of 10 pictures and 6 to validate
package main

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A class is drawn as a polygon; with inner below 1, every second corner is nearer to the middle, as in a star.
type class struct {
	name       string
	corners    int
	inner      float64 // distance of every second corner from the middle, relative to that of the others
	hue        float64 // 0 to 1; negative for any
	train, val int
}

func main() {
	set := flag.String("set", "unbalanced", "unbalanced or many")
	flag.Parse()
	var classes []class
	switch *set {
	case "unbalanced":
		classes = []class{{"triangle", 3, 1, -1, 62, 12}, {"square", 4, 1, -1, 40, 12}, {"hexagon", 6, 1, -1, 11, 12}, {"star", 10, 0.45, -1, 12, 12}}
	case "many":
		for _, shape := range []class{{name: "triangle", corners: 3, inner: 1}, {name: "square", corners: 4, inner: 1}, {name: "hexagon", corners: 6, inner: 1},
			{name: "star", corners: 10, inner: 0.45}, {name: "cross", corners: 8, inner: 0.35}} {
			for i, colour := range []string{"red", "green", "blue", "yellow"} {
				c := shape
				c.name, c.hue, c.train, c.val = colour+"-"+shape.name, []float64{0, 0.33, 0.62, 0.15}[i], 10, 6
				classes = append(classes, c)
			}
		}
	default:
		log.Fatalf("no set %q", *set)
	}
	for _, c := range classes {
		for phase, n := range map[string]int{"train": c.train, "val": c.val} {
			folder := filepath.Join(flag.Arg(0), phase, c.name)
			if err := os.MkdirAll(folder, 0o777); err != nil {
				log.Fatal(err)
			}
			seed := uint64(len(phase)) // not the same seed for all: the order of a map is random
			rng := rand.New(rand.NewPCG(seed, uint64(c.corners)<<8+uint64(c.hue*100)))
			for i := range n {
				if err := write(filepath.Join(folder, fmt.Sprintf("%03d.jpg", i)), draw(rng, c)); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
}

// draw returns a picture of 160×160 pixels: a shape of any size, place and angle on a noisy background, and around it smaller
// circles, which belong to no class.
func draw(rng *rand.Rand, c class) image.Image {
	const side = 160
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	ground := hsv(rng.Float64(), 0.3*rng.Float64(), 0.4+0.5*rng.Float64())
	for i := 0; i < len(m.Pix); i += 4 {
		for k, v := range []uint8{ground.R, ground.G, ground.B} {
			m.Pix[i+k] = uint8(min(max(float64(v)+25*rng.NormFloat64(), 0), 255))
		}
		m.Pix[i+3] = 255
	}
	for range 3 + rng.IntN(4) {
		fill(m, class{corners: 24, inner: 1}, hsv(rng.Float64(), 0.8, 0.8), place{side * rng.Float64(), side * rng.Float64(), 4 + 8*rng.Float64(), 0})
	}
	hue := c.hue + 0.04*rng.NormFloat64()
	if c.hue < 0 {
		hue = rng.Float64()
	}
	radius := 18 + 40*rng.Float64()
	at := place{radius + (side-2*radius)*rng.Float64(), radius + (side-2*radius)*rng.Float64(), radius, 2 * math.Pi * rng.Float64()}
	fill(m, c, hsv(hue, 0.6+0.4*rng.Float64(), 0.5+0.5*rng.Float64()), at)
	return m
}

type place struct{ x, y, radius, angle float64 }

// fill colours the pixels inside a class's polygon.
func fill(m *image.RGBA, c class, colour color.RGBA, at place) {
	var xs, ys []float64
	for i := range c.corners {
		r := at.radius
		if i%2 == 1 {
			r *= c.inner
		}
		a := at.angle + 2*math.Pi*float64(i)/float64(c.corners)
		xs, ys = append(xs, at.x+r*math.Cos(a)), append(ys, at.y+r*math.Sin(a))
	}
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			inside := false
			for i, j := 0, len(xs)-1; i < len(xs); j, i = i, i+1 {
				if (ys[i] > float64(y)) != (ys[j] > float64(y)) && float64(x) < (xs[j]-xs[i])*(float64(y)-ys[i])/(ys[j]-ys[i])+xs[i] {
					inside = !inside
				}
			}
			if inside {
				m.SetRGBA(x, y, colour)
			}
		}
	}
}

func hsv(h, s, v float64) color.RGBA {
	h = 6 * (h - math.Floor(h))
	channel := func(n float64) uint8 {
		k := math.Mod(n+h, 6)
		return uint8(255 * (v - v*s*max(0, min(k, 4-k, 1))))
	}
	return color.RGBA{channel(5), channel(3), channel(1), 255}
}

func write(path string, m image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return jpeg.Encode(f, m, &jpeg.Options{Quality: 90})
}
