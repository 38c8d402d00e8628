package dataset

import "sync"

// FirstOfEach returns a function that passes on the first warning for each reason. Several goroutines may call it.
func FirstOfEach(warn func(Warning)) func(Warning) {
	var said sync.Map
	return func(w Warning) {
		if _, again := said.LoadOrStore(w.Reason, true); !again {
			warn(w)
		}
	}
}
