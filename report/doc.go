// Package report draws a training: pictures, curves, tables, and one page with all of them.
package report
