package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"hymenoptera/internal/cli"
)

// openPage opens a file with $BROWSER or, if that is not set, with xdg-open. It does not wait for the program.
func openPage(m *cli.Messages, path string) {
	program := os.Getenv("BROWSER")
	if program == "" {
		program = "xdg-open"
	}
	cmd := exec.Command(program, path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // so that Ctrl-C in the terminal ends only the training
	if err := cmd.Start(); err != nil {
		m.Warnf("--open: %v", fmt.Errorf("%s: %w; open %s yourself", program, err, path))
		return
	}
	go cmd.Wait() // the goroutine ends with the program
}
