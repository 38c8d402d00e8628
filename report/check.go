package report

import "io"

// A Check is the content of a page about what is wrong with a folder of pictures.
type Check struct {
	Title    string // the folder
	Summary  string
	Findings []Finding // the most serious first
}

// A Finding is one kind of fault.
type Finding struct {
	Serious  bool
	Title    string
	Advice   string    // what to do
	Lines    []string  // one per file
	Groups   []Similar // of pictures side by side
	Pictures []Shown
	Rest     string // how many pictures the page does not show; "" for none
}

// A Similar is a group of similar pictures.
type Similar struct {
	Title    string
	Pictures []Shown
}

// A Shown is a picture with its path and what is said about it.
type Shown struct {
	Picture    *Embedded // nil if it cannot be read
	Path, Note string
}

// Write writes the page as one file that loads no others.
func (c Check) Write(w io.Writer) error { return render(w, "check.html", c) }
