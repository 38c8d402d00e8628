package check

import "math"

// hashSide is the side of the cells that a hash is computed from, and hashWaves how many waves it has along a side.
const (
	hashSide  = 16
	hashWaves = 8
)

// A hasher computes hashes of parts of a picture: the signs of the 8×8 lowest coefficients of the discrete cosine
// transform, as bits. The first coefficient is the mean, whose bit is always 0.
type hasher struct {
	waves   [hashWaves][hashSide]float64
	cells   [hashSide * hashSide]float64
	corners [(hashSide + 1) * (hashSide + 1)]float64
}

func newHasher() *hasher {
	h := &hasher{}
	for u := range hashWaves {
		for x := range hashSide {
			h.waves[u][x] = math.Cos(math.Pi * float64(u) * (float64(x) + 0.5) / hashSide)
		}
	}
	return h
}

// hash returns the hash of a part.
func (h *hasher) hash(p plane, b box) (bits uint64) {
	p.cells(h.cells[:], h.corners[:], b, hashSide)
	var rows [hashSide][hashWaves]float64 // along x
	for y := range hashSide {
		line := h.cells[y*hashSide : (y+1)*hashSide]
		for u := range hashWaves {
			var s float64
			for x, v := range line {
				// float64(…): without it, arm64 fuses the product with the sum.
				s += float64(v * h.waves[u][x])
			}
			rows[y][u] = s
		}
	}
	for v := range hashWaves {
		for u := range hashWaves {
			var s float64
			for y := range hashSide {
				s += float64(rows[y][u] * h.waves[v][y])
			}
			if s > 0 && u+v > 0 {
				bits |= 1 << (v*hashWaves + u)
			}
		}
	}
	return bits
}

// crops returns the parts of a picture in which another one is looked for: all of it first, then parts with 0.6 to 0.9 of
// its width and height.
func crops() (all []box) {
	all = append(all, whole)
	const steps = 10
	for h := 6; h <= steps; h++ {
		for w := 6; w <= steps; w++ {
			for y := 0; y+h <= steps; y++ {
				for x := 0; x+w <= steps; x++ {
					if w < steps || h < steps {
						all = append(all, box{float64(x) / steps, float64(y) / steps, float64(x+w) / steps, float64(y+h) / steps})
					}
				}
			}
		}
	}
	return all
}
