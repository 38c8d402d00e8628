package mt19937

import "math/bits"

// NewPython returns a generator in the state of Python's random.Random(seed), which init_by_array of Matsumoto and Nishimura
// (2002) makes.
func NewPython(seed uint64) *Generator {
	key := []uint32{uint32(seed)}
	if high := uint32(seed >> 32); high != 0 {
		key = append(key, high)
	}
	g := New(19650218)
	s := &g.state
	i, j := 1, 0
	for range stateLen {
		p := s[i-1]
		s[i] = s[i] ^ (p^p>>30)*1664525 + key[j] + uint32(j)
		if i++; i == stateLen {
			s[0] = s[stateLen-1]
			i = 1
		}
		j = (j + 1) % len(key)
	}
	for range stateLen - 1 {
		p := s[i-1]
		s[i] = s[i] ^ (p^p>>30)*1566083941 - uint32(i)
		if i++; i == stateLen {
			s[0] = s[stateLen-1]
			i = 1
		}
	}
	s[0] = upperBit
	return g
}

// PythonIntN draws Python's random.randrange(n), for n from 1 to 2^32-1. It draws words until one is small enough.
func PythonIntN(src Source, n int) int {
	shift := 32 - bits.Len32(uint32(n))
	for {
		if v := int(src.Uint32() >> shift); v < n {
			return v
		}
	}
}
