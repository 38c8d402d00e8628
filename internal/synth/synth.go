// Package synth draws ants and bees by formula, as an ImageFolder of JPEG files, for demonstrations and tests without
// a network connection.
//
//	err := synth.Write(dir, synth.DefaultConfig()) // dir/train/ants/000.jpg …
//
// The pictures vary in pose, scale, colour, background and clutter, so that a network has something to
// learn; results on them say nothing about photographs.
package synth

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"hymenoptera/internal/regular"
)

// Config says what to draw.
type Config struct {
	Seed             uint64
	Train, Val       int // images per class
	MinSide, MaxSide int // of a picture, in pixels
}

// DefaultConfig returns a set of the real one's size: 2×122 + 2×76 pictures.
func DefaultConfig() Config { return Config{Seed: 1, Train: 122, Val: 76, MinSide: 90, MaxSide: 160} }

func (c Config) validate() error {
	if c.Train < 1 || c.Val < 1 {
		return fmt.Errorf("synth: %d training and %d validation images per class: want at least 1", c.Train, c.Val)
	}
	if c.MinSide < 16 || c.MaxSide < c.MinSide || c.MaxSide > 4096 {
		return fmt.Errorf("synth: sides from %d to %d: want 16 to 4096", c.MinSide, c.MaxSide)
	}
	return nil
}

// Write draws the set into dir, which it makes. Equal configurations give equal files.
func Write(dir string, cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	for phase, n := range []int{cfg.Train, cfg.Val} {
		for class, paint := range []func(*canvas){ant, bee} {
			folder := filepath.Join(dir, []string{"train", "val"}[phase], []string{"ants", "bees"}[class])
			if err := os.MkdirAll(folder, 0o777); err != nil {
				return fmt.Errorf("synth: %w", err)
			}
			for i := range n {
				r := rand.New(rand.NewPCG(cfg.Seed, uint64(phase<<40|class<<32|i)))
				side := func() int { return cfg.MinSide + r.IntN(cfg.MaxSide-cfg.MinSide+1) }
				if err := writePicture(filepath.Join(folder, fmt.Sprintf("%03d.jpg", i)), side(), side(), r, paint); err != nil {
					return fmt.Errorf("synth: %w", err)
				}
			}
		}
	}
	return nil
}

func writePicture(path string, w, h int, r *rand.Rand, paint func(*canvas)) error {
	c := newCanvas(w, h, r)
	background(c)
	// float64(…): without it, arm64 fuses the product with the sum.
	c.pose(0.5+float64(0.16*c.spread()), 0.5+float64(0.16*c.spread()), c.between(0.62, 0.95))
	paint(c)
	c.identity()
	for range r.IntN(4) {
		blade(c)
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, c.img, &jpeg.Options{Quality: 80 + r.IntN(15)}); err != nil {
		return err
	}
	// Files from elsewhere are not replaced. A file with the beginning of this picture is from a killed process.
	there, err := regular.Read(path, int64(buf.Len()))
	if !errors.Is(err, fs.ErrNotExist) && (err != nil || !bytes.HasPrefix(buf.Bytes(), there)) {
		return fmt.Errorf("%s is there already, and another picture: choose another folder", path)
	}
	return os.WriteFile(path, buf.Bytes(), 0o666)
}
