package stress

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// watched are the figures of GET /metrics that must not grow.
var watched = [3]string{"process_resident_memory_bytes", "go_goroutines", "process_open_fds"}

// soak sends requests of honest clients for the time d, in ten rounds after one that does not count, and reads the server's
// figures after each round. It prints the least and the most of each half of the rounds, and fails if the least has grown:
// memory by 1 % or more, the others at all. The most does not count, since a collection or the end of a connection may be
// due.
func (s *server) soak(d time.Duration, pictures [][]byte) error {
	const rounds = 10
	var seen [2]map[string][]float64 // in each half
	for half := range seen {
		seen[half] = map[string][]float64{}
	}
	for round := range rounds + 1 {
		o := s.ask(timeout(d/(rounds+1)), honest, 8, pictures)
		time.Sleep(2 * time.Second) // connections end
		now, err := s.figures()
		if err != nil {
			return err
		}
		fmt.Printf("round %2d: %v; %.1f MB resident, %.0f goroutines, %.0f descriptors\n", round, o, now[watched[0]]/1e6, now[watched[1]], now[watched[2]])
		if round == 0 {
			continue
		}
		half := seen[(round-1)*2/rounds]
		for _, name := range watched {
			half[name] = append(half[name], now[name])
		}
	}
	grew := false
	for i, name := range watched {
		first, second := seen[0][name], seen[1][name]
		growth := 100 * (slices.Min(second)/slices.Min(first) - 1)
		fmt.Printf("%s: %.0f to %.0f, then %.0f to %.0f; the least %+.2f %%\n", name,
			slices.Min(first), slices.Max(first), slices.Min(second), slices.Max(second), growth)
		grew = grew || growth >= 1 || i > 0 && growth > 0
	}
	if grew {
		return errors.New("the server's figures grew")
	}
	return nil
}

// figures reads GET /metrics: the values without labels.
func (s *server) figures() (map[string]float64, error) {
	r, err := http.Get("http://" + s.address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = v
		}
	}
	for _, name := range watched {
		if values[name] == 0 {
			return nil, fmt.Errorf("GET /metrics has no %s", name)
		}
	}
	return values, nil
}
