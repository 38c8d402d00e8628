// Package stress holds tests that take long: trainings of many steps, and a server under attack. make stress and make stress-serve
// run them; go test skips them.
package stress
