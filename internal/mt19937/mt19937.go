// Package mt19937 is PyTorch's CPU random generator, with the draws of its data workers.
//
//	g := mt19937.New(42)
//	u := mt19937.Float32(g) // torch.rand(1) after torch.manual_seed(42)
//
// The draws take any [Source] of 32-bit words, so that they serve libtorch's own generator as well. It has
// no normal, exponential or CUDA draws: libtorch itself makes those that models need.
package mt19937

// Sizes and multipliers of the Mersenne Twister with 32-bit words (Matsumoto and Nishimura, 1998), as
// ATen/core/MT19937RNGEngine.h uses it.
const (
	stateLen  = 624
	shift     = 397
	matrixA   = 0x9908b0df
	upperBit  = 0x80000000
	lowerBits = 0x7fffffff
	initMul   = 1812433253
)

// Source is a stream of uniform 32-bit words.
type Source interface{ Uint32() uint32 }

// Generator is a Mersenne Twister in the order of at::CPUGeneratorImpl. The zero value is not seeded: use
// [New] or [Generator.Seed]. It is not safe for concurrent use.
type Generator struct {
	state [stateLen]uint32
	next  int    // index of the next word in state; stateLen asks for new ones
	made  uint64 // words since Seed, up to the end of state
}

// New returns a generator in the state that torch.manual_seed(seed) gives PyTorch's.
func New(seed uint64) *Generator {
	g := new(Generator)
	g.Seed(seed)
	return g
}

// Seed puts the generator into the state that torch.manual_seed(seed) gives: only the low 32 bits count.
func (g *Generator) Seed(seed uint64) {
	g.state[0] = uint32(seed)
	for i := uint32(1); i < stateLen; i++ {
		p := g.state[i-1]
		g.state[i] = initMul*(p^p>>30) + i
	}
	g.next, g.made = stateLen, 0
}

// Drawn returns how many words were drawn since Seed.
func (g *Generator) Drawn() uint64 { return g.made - uint64(stateLen-g.next) }

// Skip skips the next n words.
func (g *Generator) Skip(n uint64) {
	for n > 0 {
		if g.next >= stateLen {
			g.twist()
		}
		step := min(n, uint64(stateLen-g.next))
		g.next += int(step)
		n -= step
	}
}

// Uint32 returns the next word.
func (g *Generator) Uint32() uint32 {
	if g.next >= stateLen {
		g.twist()
	}
	y := g.state[g.next]
	g.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// twist makes the next stateLen words.
func (g *Generator) twist() {
	s := &g.state
	for i := range stateLen - shift {
		s[i] = s[i+shift] ^ mix(s[i], s[i+1])
	}
	for i := stateLen - shift; i < stateLen-1; i++ {
		s[i] = s[i+shift-stateLen] ^ mix(s[i], s[i+1])
	}
	s[stateLen-1] = s[shift-1] ^ mix(s[stateLen-1], s[0])
	g.next = 0
	g.made += stateLen
}

// mix is one step of the recurrence.
func mix(u, v uint32) uint32 {
	return (u&upperBit|v&lowerBits)>>1 ^ -(v&1)&matrixA
}
