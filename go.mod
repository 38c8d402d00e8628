module hymenoptera

go 1.25.0

require (
	github.com/google/renameio/v2 v2.0.2
	github.com/schollz/progressbar/v3 v3.19.0
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.1.0
	github.com/sugarme/gotch v0.9.1
	golang.org/x/image v0.44.0
	golang.org/x/sync v0.22.0
	golang.org/x/sys v0.44.0
	golang.org/x/term v0.43.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
)
