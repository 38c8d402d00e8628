package dataset

import "hymenoptera/transforms"

// runs decodes run-length encoded pixels, BI_RLE8 and BI_RLE4. Pixels that the file leaves out have colour 0.
func (b *bmp) runs(dst *transforms.Image) error {
	total := b.width * b.height
	at := 0 // pixels so far, in the order of the file
	put := func(index byte) {
		if at < total {
			c := b.indexed(index)
			dst.Set(at%b.width, b.row(at/b.width), c[0], c[1], c[2])
			at++
		}
	}
	skip := func(n int) {
		for range min(n, total-at) {
			put(0)
		}
	}
	rle4 := b.compression == bmpRLE4
	in := b.pixels
	x := 0 // position in the row, as runs count it
	for at < total {
		if len(in) < 2 {
			return errBMPShort
		}
		count, v := int(in[0]), in[1]
		in = in[2:]
		switch {
		case count > 0: // a run, cut at the row's end
			count = max(0, min(count, b.width-x))
			for i := range count {
				put(nibble(v, i, rle4))
			}
			x += count
		case v == 0: // end of row
			skip((b.width - at%b.width) % b.width)
			x = 0
		case v == 1: // end of bitmap
			return errBMPShort
		case v == 2: // move
			if len(in) < 2 {
				return errBMPShort
			}
			skip(int(in[0]) + int(in[1])*b.width)
			in = in[2:]
			x = at % b.width
		default: // literal pixels, in whole 16-bit words
			n := min(total-at, int(v))
			size := n
			if rle4 {
				size = (n + 1) / 2
			}
			if len(in) < size {
				return errBMPShort
			}
			for i := range n {
				if rle4 {
					put(nibble(in[i/2], i, true))
				} else {
					put(in[i])
				}
			}
			x += int(v)
			in = in[size:]
			// Aligned within the file, as in Pillow.
			if (b.size-len(in))%2 != 0 && len(in) > 0 {
				in = in[1:]
			}
		}
	}
	return nil
}

// indexed returns the colour of a pixel's index. Without a palette that is a grey value; with two colours 0 is black and any
// other index white.
func (b *bmp) indexed(index byte) [3]byte {
	switch {
	case b.sampling.model == indexed:
		return b.sampling.palette[index]
	case b.sampling.bits == 1 && index != 0:
		index = 255
	}
	return triple(index)
}

// nibble returns pixel i of a byte: with four bits per pixel the upper ones come first.
func nibble(v byte, i int, rle4 bool) byte {
	switch {
	case !rle4:
		return v
	case i%2 == 0:
		return v >> 4
	}
	return v & 15
}
