package dataset

import (
	"slices"

	"hymenoptera/internal/jpeg"
	"hymenoptera/transforms"
)

// smallParts bounds the memory of decoders apart from pixels: tables, windows of the compression, buffers.
const smallParts = 512 << 10

// jpegMemory bounds the bytes that making a sample from a JPEG file takes. d has read the file's header last.
func jpegMemory(tf transforms.Transform, d *jpeg.Decoder, info jpeg.Info, orientation int) int64 {
	if tf.Upright && turns(orientation) {
		larger := max(resizeMemory(tf, info.Width, info.Height), resizeMemory(tf, info.Height, info.Width))
		return smallParts + info.Memory + 2*max(pixelBytes(info.Width, info.Height), pixelBytes(info.Height, info.Width)) + larger
	}
	source := tf.Plan(info.Width, info.Height, nil).Source()
	region := d.Cover(source)
	return smallParts + info.Memory + pixelBytes(region.Dx(), region.Dy()) + resizeMemory(tf, info.Width, info.Height)
}

// otherMemory bounds the bytes that making a sample from a file of another format takes: all of its pixels, and the
// decoder's own memory.
func otherMemory(tf transforms.Transform, data []byte, width, height int) int64 {
	pixels := int64(width) * int64(height)
	all := smallParts + pixelBytes(width, height) + resizeMemory(tf, width, height) + 64*int64(width) // a few rows
	if tf.Upright {                                                                                   // a copy with exchanged sides
		all += pixelBytes(height, width) + resizeMemory(tf, height, width)
	}
	switch format(data) {
	case formatTIFF:
		all += tiffMemory(data, pixels)
	case formatWebP:
		all += 20 * pixels // libwebp's two canvases, a frame, and transparency
	}
	return all
}

// tiffMemory bounds the bytes that decoding a TIFF file's pixels takes: a copy to turn the picture upright, planes and, for
// packed pixels, the coefficients of a JPEG and two copies of a strip or tile, which may be larger than the picture.
func tiffMemory(data []byte, pixels int64) (all int64) {
	d, err := readTIFFDirectory(data)
	if err != nil {
		return 0 // decoding will fail too
	}
	if d.first(tiffOrientation, 1) != 1 {
		all += 4 * pixels
	}
	if d.first(tiffPlanar, 1) != 1 {
		all += 4 * pixels
	}
	compression := d.first(tiffCompression, tiffRaw)
	if compression == tiffRaw {
		return all
	}
	if compression == tiffJPEG || compression == tiffOldJPEG {
		all += 8 * pixels
	}
	const most = 1 << 31 // the largest value that is taken from the file
	side := func(tag int) int64 { return int64(min(max(0, d.first(tag, 0)), most)) }
	block := min(most, max(pixels, side(tiffTileWidth)*side(tiffTileHeight)))
	bits := d.list(tiffBits, 1)
	if len(bits) == 1 {
		bits = slices.Repeat(bits, min(max(1, d.first(tiffSamples, 3)), 6))
	}
	sum := 0
	for _, b := range bits {
		sum += min(max(0, b), 64)
	}
	return all + 2*block*int64(sum+7)/8
}

// resizeMemory bounds the memory of a [transforms.Resizer]: the picture between its two passes, and weights.
func resizeMemory(tf transforms.Transform, width, height int) int64 {
	need := tf.Plan(width, height, nil).Source()
	between := max(pixelBytes(need.Dx(), tf.Size), pixelBytes(tf.Size, need.Dy()))
	return between + pixelBytes(tf.Size, tf.Size) + 160*int64(need.Dx()+need.Dy()+tf.Size)
}

// pixelBytes returns the memory of the pixels of a [transforms.Image].
func pixelBytes(width, height int) int64 { return 8 * int64((width+1)/2) * int64(height) }
