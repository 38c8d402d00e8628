package finetune

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/shards"
)

// checkAddress returns an [*OptionError] for an address with a secret, which logs, reports and the run's files would show.
func (o Options) checkAddress() error {
	if !shards.IsAddress(o.Data) {
		return nil
	}
	switch u, err := url.Parse(o.Data); {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return &OptionError{Option: "data", Problem: "want an address such as https://files.example.org/packed"}
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return &OptionError{Option: "data", Problem: "want an address without a password, a query and a fragment: logs and reports would show them"}
	}
	return nil
}

// openShards lists the two sets of Data, which must be shards.
func (o Options) openShards(ctx context.Context, h Hooks) (train, val *dataset.ImageFolder, err error) {
	for _, c := range []struct {
		given  bool
		option string
		value  any
		do     string
	}{
		{o.ValFraction > 0, "val_fraction", o.ValFraction, "divide them before they are packed"},
		{o.Exclude != "", "exclude", o.Exclude, "leave images out before they are packed"},
		{o.Balance == "sampling", "balance", o.Balance, "want weights: sampling draws images from all places"},
	} {
		if c.given {
			return nil, nil, &OptionError{Option: c.option, Value: fmt.Sprint(c.value), Problem: fmt.Sprintf("%s has shards: %s", o.Data, c.do)}
		}
	}
	if err := o.checkAddress(); err != nil {
		return nil, nil, err
	}
	if shards.IsAddress(o.Data) {
		train, val, err = o.fetchShards(ctx, h)
	} else {
		train, val, err = shards.Open(ctx, o.Data)
	}
	if err != nil || o.OnlyClasses == nil {
		return train, val, err
	}
	if train, err = train.Only(o.OnlyClasses); err == nil {
		val, err = val.Only(o.OnlyClasses)
	}
	return train, val, err
}

func (o Options) fetchShards(ctx context.Context, h Hooks) (train, val *dataset.ImageFolder, err error) {
	dir, err := shards.CacheDir(o.Data)
	if err != nil {
		return nil, nil, err
	}
	cfg := o.downloads(h)
	cfg.Mirror, cfg.Progress = "", nil
	cfg.Log = func(line string) {
		if !strings.HasPrefix(line, "Downloading: ") { // one per shard
			h.Log.Info(line)
		}
	}
	h.Log.Info("shards come when they are needed, and are kept in " + dir)
	if train, val, err = shards.Fetch(ctx, cfg, o.Data, dir); err != nil {
		err = &DownloadError{Option: "data", Err: err}
	}
	return train, val, err
}
