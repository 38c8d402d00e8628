package serve

import "sync"

// places limits the pictures of all requests in progress. A client without pictures gets in even at the limit, so that other
// clients' pictures do not keep it out.
type places struct {
	most int64

	mu  sync.Mutex
	all int64
	by  map[client]int64
}

func newPlaces(most int) *places { return &places{most: int64(most), by: map[client]int64{}} }

func (p *places) take(c client, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all+n > p.most && p.by[c] > 0 {
		return false
	}
	p.all += n
	p.by[c] += n
	return true
}

func (p *places) give(c client, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all -= n
	if p.by[c] -= n; p.by[c] == 0 {
		delete(p.by, c)
	}
}
