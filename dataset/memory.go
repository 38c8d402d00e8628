package dataset

import (
	"bytes"
	"image/color"

	"golang.org/x/image/tiff"

	"hymenoptera/internal/jpeg"
	"hymenoptera/transforms"
)

// smallParts is what decoders allocate beside pixels: tables, windows of the compression, buffers.
const smallParts = 512 << 10

// jpegMemory bounds the bytes that a sample of the JPEG file whose header d read last takes to make.
func jpegMemory(tf transforms.Transform, d *jpeg.Decoder, info jpeg.Info) int64 {
	source := tf.Plan(info.Width, info.Height, nil).Source()
	region := d.Cover(source)
	return smallParts + info.Memory + pixelBytes(region.Dx(), region.Dy()) + resizeMemory(tf, info.Width, info.Height)
}

// otherMemory bounds the bytes that a sample of a file of another format takes to make. Go's decoders make a picture of
// their own, of which the one that is resized is a copy.
func otherMemory(tf transforms.Transform, data []byte, width, height int) int64 {
	pixels := int64(width) * int64(height)
	all := smallParts + pixelBytes(width, height) + resizeMemory(tf, width, height)
	switch format(data) {
	case formatBMP, formatPNM:
		return all // straight from the file
	case formatPNG:
		return all + pngMemory(data, pixels) + 32*int64(width)
	case formatTIFF:
		return all + tiffMemory(data)*pixels
	case formatWebP:
		// Macroblocks of 16×16 pixels. A lossless picture is made anew by each of its transforms, and so is a lossy
		// one's transparency.
		return all + 24*int64(width+15)*int64(height+15)
	}
	return all + 16*pixels
}

// pngMemory returns the bytes of the picture that image/png makes. Of an interlaced one it makes seven parts too, which
// together are as large.
func pngMemory(data []byte, pixels int64) int64 {
	const interlace = 28 // IHDR's last byte
	bytes := 4 * pixels
	if data[pngDepth] == 16 {
		bytes *= 2
	}
	if len(data) > interlace && data[interlace] != 0 {
		bytes *= 2
	}
	return bytes
}

// tiffMemory returns bytes a pixel: the picture, a strip of it that may be all of it and grows as it is unpacked, and a
// copy to turn it upright.
func tiffMemory(data []byte) int64 {
	cfg, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0 // decoding fails as soon
	}
	pixel := int64(1) // grey or a palette's index
	switch cfg.ColorModel {
	case color.Gray16Model:
		pixel = 2
	case color.RGBAModel, color.NRGBAModel:
		pixel = 4
	case color.RGBA64Model, color.NRGBA64Model:
		pixel = 8
	}
	return 7*pixel + 4
}

// resizeMemory bounds what a [transforms.Resizer] allocates: the picture between its two passes, and weights.
func resizeMemory(tf transforms.Transform, width, height int) int64 {
	need := tf.Plan(width, height, nil).Source()
	between := max(pixelBytes(need.Dx(), tf.Size), pixelBytes(tf.Size, need.Dy()))
	return between + pixelBytes(tf.Size, tf.Size) + 160*int64(need.Dx()+need.Dy()+tf.Size)
}

// pixelBytes returns what the pixels of a [transforms.Image] take.
func pixelBytes(width, height int) int64 { return 8 * int64((width+1)/2) * int64(height) }
