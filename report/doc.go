// Package report draws what a training did: pictures, curves, tables, and one page that holds them all.
package report
