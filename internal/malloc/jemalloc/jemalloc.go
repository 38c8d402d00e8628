// Package jemalloc links jemalloc into a program whose main package imports it, where make setup found it: libtorch and all
// other C code of the program then take their memory from it. Elsewhere it does nothing.
package jemalloc

import "C"
