package main

import (
	"fmt"

	"github.com/spf13/pflag"
)

// contradictions refuses flags that were given and that other flags leave without effect.
func (o options) contradictions(f *pflag.FlagSet) error {
	for _, c := range []struct {
		flag    string
		effect  bool
		without string
	}{
		{"momentum", o.Optimizer == "sgd", "--optimizer " + o.Optimizer},
		{"nesterov", o.Optimizer == "sgd", "--optimizer " + o.Optimizer},
		{"step-size", o.Scheduler == "step", "--scheduler " + o.Scheduler},
		{"gamma", o.Scheduler != "cosine", "--scheduler " + o.Scheduler},
	} {
		if f.Changed(c.flag) && !c.effect {
			return usageError{fmt.Errorf("--%s has no effect with %s: leave one of them out", c.flag, c.without)}
		}
	}
	return nil
}
