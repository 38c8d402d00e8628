//go:build !amd64

package transforms

import "image"

// hasSIMD reports whether there are faster ways than Go's on this processor.
func hasSIMD() bool { return false }

func (r *Resizer) verticalSIMD(dst, src *Image, need image.Rectangle)        {}
func (r *Resizer) horizontalSIMD(dst, src *Image, need image.Rectangle) bool { return false }
