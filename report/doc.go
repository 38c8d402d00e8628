// Package report draws a training: pictures, curves, tables, and one page that holds them all.
package report
