// Package jemalloc links jemalloc into a program whose main package imports it, if make setup found it. libtorch and
// all other C code of the program then use its malloc. Without jemalloc the package does nothing.
package jemalloc

import "C"
