package torch

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// An opError is the error of an operation of libtorch.
type opError struct {
	op  string // as called: "matmul(float32[2 3], float32[4 5])"
	msg string // libtorch's own words, without its C++ stack
}

func (e *opError) Error() string { return "torch: " + e.op + ": " + e.msg }

// fail ends the enclosing Do with an operation's error.
func fail(op, format string, args ...any) { Fail(&opError{op, fmt.Sprintf(format, args...)}) }

// Fail ends the enclosing [Do], which returns err. It is for forward code, which has no error to return.
func Fail(err error) { panic(failure{err}) }

// A failure is the panic of Fail.
type failure struct{ error }

// check fails if the last call into gotch left an error.
func check(op string, operands ...*Tensor) {
	if msg := TakeError(unsafe.Pointer(lib.GetAndResetLastErr())); msg != "" {
		fail(describe(op, operands), "%s", msg)
	}
}

// checkShim does the same for a function of shim.cc, which returns its error.
func checkShim(msg *C.char, op string, operands ...*Tensor) {
	if msg := TakeError(unsafe.Pointer(msg)); msg != "" {
		fail(describe(op, operands), "%s", msg)
	}
}

// TakeError frees a C string with libtorch's message for an error and returns its first line, or advice if memory ran out,
// or "" for nil. The lines after the first are a C++ stack or a list of all backends. Packages with their own C++ can use it
// too.
func TakeError(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	defer C.free(p)
	msg, _, _ := strings.Cut(C.GoString((*C.char)(p)), "\n")
	if _, bytes, found := strings.Cut(msg, "can't allocate memory: you tried to allocate "); found {
		bytes, _, _ = strings.Cut(bytes, ".")
		return "not enough memory for " + bytes + "; smaller batches or images need less"
	}
	return msg
}

func describe(op string, operands []*Tensor) string {
	if len(operands) == 0 {
		return op
	}
	var args []string
	for _, t := range operands {
		if t != nil && t.c != nil {
			args = append(args, t.String())
		}
	}
	return op + "(" + strings.Join(args, ", ") + ")"
}
