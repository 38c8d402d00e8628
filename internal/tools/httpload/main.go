// Command httpload sends pictures to a server from many clients at once, and prints the results as JSON, for bench/serve.py.
//
//	httpload -url http://127.0.0.1:8080/v1/predict -clients 32 -seconds 15 data/val
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"hymenoptera/dataset"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "httpload:", err)
		os.Exit(1)
	}
}

func run() error {
	url := flag.String("url", "", "where to post pictures")
	clients := flag.Int("clients", 32, "how many ask at once")
	seconds := flag.Float64("seconds", 15, "for how long")
	flag.Parse()
	var pictures [][]byte
	for path, err := range dataset.PicturePaths(flag.Arg(0), nil) {
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pictures = append(pictures, data)
	}
	if len(pictures) == 0 {
		return fmt.Errorf("no pictures in %q", flag.Arg(0))
	}
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = *clients
	var mu sync.Mutex
	var times []float64 // seconds
	errors := 0
	began := time.Now()
	end := began.Add(time.Duration(*seconds * float64(time.Second)))
	var wg sync.WaitGroup
	for c := range *clients {
		wg.Go(func() {
			for i := c; time.Now().Before(end); i += *clients {
				asked := time.Now()
				err := ask(*url, pictures[i%len(pictures)])
				mu.Lock()
				times = append(times, time.Since(asked).Seconds())
				if err != nil {
					errors++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	took := time.Since(began).Seconds()
	slices.Sort(times)
	at := func(share float64) float64 { return times[min(int(share*float64(len(times))), len(times)-1)] }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests": len(times), "errors": errors, "per_second": float64(len(times)) / took, "p50": at(0.5), "p99": at(0.99),
	})
}

// ask posts one picture and reads the answer.
func ask(url string, picture []byte) error {
	r, err := http.Post(url, "image/jpeg", bytes.NewReader(picture))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", r.Status)
	}
	return nil
}
