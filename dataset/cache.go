package dataset

import (
	"sync/atomic"

	"hymenoptera/transforms"
)

// A Cache keeps decoded pictures in memory, so that later epochs need not decode them: whole pictures if crops are
// random, otherwise the finished crops. Loaders may share one. It does not change batches.
type Cache struct{ left atomic.Int64 }

// NewCache returns a cache that holds at most the given number of bytes of pixels.
func NewCache(bytes int64) *Cache {
	c := new(Cache)
	c.left.Store(bytes)
	return c
}

// reserve reserves room for a picture, if there is enough.
func (c *Cache) reserve(w, h int) bool {
	if c == nil {
		return false
	}
	need := int64(w+1) / 2 * 8 * int64(h)
	if c.left.Add(-need) >= 0 {
		return true
	}
	c.left.Add(need)
	return false
}

// kept has the pictures that a loader keeps in its cache, one per sample.
type kept []atomic.Pointer[transforms.Image]

// get returns the picture of a sample, or nil.
func (k kept) get(index int) *transforms.Image {
	if k == nil {
		return nil
	}
	return k[index].Load()
}

// put keeps a copy of m. The caller must have reserved room for it.
func (k kept) put(index int, m *transforms.Image) {
	k[index].Store(m.Clone())
}
