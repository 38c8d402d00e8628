package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// Floats are the value of a flag: numbers with commas between them. Unlike pflag's own they keep all their digits.
type Floats []float64

// String returns the numbers as they are typed.
func (f *Floats) String() string {
	var numbers []string
	for _, v := range *f {
		numbers = append(numbers, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.Join(numbers, ",")
}

// Set reads the numbers.
func (f *Floats) Set(s string) error {
	*f = nil
	for number := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return fmt.Errorf("want numbers with commas between them")
		}
		*f = append(*f, v)
	}
	return nil
}

// Type returns the name of the value in help.
func (f *Floats) Type() string { return "numbers" }
