// Package onnx writes trained networks as ONNX files, which other programs run: onnxruntime in Python, Go, a browser.
//
//	err := onnx.Write(w, onnx.Model{Network: "resnet18", Weights: weights, Classes: classes, Preprocessing: tf}, onnx.Picture)
//
// A file that takes a [Picture] contains the preprocessing: its user passes the decoded picture unchanged. BatchNorms are
// part of their convolutions, whose weights keep their names of the state dict. The package reads no files, and writes only
// networks of package zoo. The format is that of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
package onnx
