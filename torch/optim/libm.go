package optim

// #cgo LDFLAGS: -lm
// #include <math.h>
import "C"

// Python's float arithmetic is the C library's. Go's math.Pow and math.Cos differ from it in the last bit for some
// arguments, which would change the weights.

func pow(x, y float64) float64 { return float64(C.pow(C.double(x), C.double(y))) }

func cos(x float64) float64 { return float64(C.cos(C.double(x))) }
