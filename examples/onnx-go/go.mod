module example.com/onnx-go

go 1.25.0

require github.com/yalue/onnxruntime_go v1.27.0
