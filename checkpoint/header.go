package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// headerBudget bounds the memory that a safetensors header needs, as charge estimates it: strings, sizes, and
// headerCost for every tensor and every line of metadata. It allows 80,000 tensors.
const (
	headerBudget = 24 << 20
	headerCost   = 256
	longestName  = 1 << 16 // bytes
)

// jsonSpace is JSON's white space. The format pads a header with spaces; its own reader accepts all four characters,
// before the header too.
const jsonSpace = " \t\r\n"

// header is a safetensors header.
type header struct {
	metadata map[string]string
	tensors  []headerTensor // in the header's order
}

// headerParser reads JSON of the one shape that a safetensors header has. Its methods call escape at the first
// error.
type headerParser struct {
	b     []byte
	pos   int
	spent int // of headerBudget
}

func (p *headerParser) fail(format string, args ...any) { escape(format, args...) }

func (p *headerParser) charge(n int) {
	if n > headerBudget-p.spent {
		p.fail("it has more tensors and strings than %d MiB take", headerBudget>>20)
	}
	p.spent += n
}

// parseHeader parses b, which is UTF-8.
func parseHeader(b []byte) (h header, err error) {
	defer catch(&err)
	p := &headerParser{b: b}
	if !bytes.HasPrefix(bytes.TrimLeft(b, jsonSpace), []byte("{")) {
		return h, errors.New("it does not begin with {")
	}
	seen := map[string]struct{}{}
	p.object(seen, func(key string) {
		if key == "__metadata__" {
			h.metadata = p.metadata()
			return
		}
		p.charge(headerCost)
		h.tensors = append(h.tensors, p.tensor(key))
	})
	if rest := bytes.TrimLeft(b[p.pos:], jsonSpace); len(rest) > 0 {
		return h, fmt.Errorf("byte %d follows its end", len(b)-len(rest))
	}
	return h, nil
}

func (p *headerParser) metadata() map[string]string {
	m := map[string]string{}
	p.object(map[string]struct{}{}, func(key string) {
		if p.peek() != '"' {
			p.fail("the metadata %q is not a string", key)
		}
		p.charge(headerCost)
		m[key] = p.text()
	})
	return m
}

// tensor parses {"dtype": "F32", "shape": [64, 3, 7, 7], "data_offsets": [0, 37632]}.
func (p *headerParser) tensor(name string) headerTensor {
	t := headerTensor{name: name}
	if p.peek() != '{' {
		p.fail("tensor %q is not described by an object", name)
	}
	seen := make(map[string]struct{}, 3)
	p.object(seen, func(key string) {
		switch key {
		case "dtype":
			s := p.text()
			if t.dtype = dtypeOfSafetensors(s); t.dtype == 0 {
				p.fail("tensor %q has the dtype %.40q, which this reader does not know", name, s)
			}
		case "shape":
			t.shape = []int64{}
			p.array(func() {
				if len(t.shape) == maxDims {
					p.fail("tensor %q has more than %d dimensions", name, maxDims)
				}
				p.charge(32)
				t.shape = append(t.shape, int64(p.number()))
			})
		case "data_offsets":
			var offsets []uint64
			p.array(func() {
				if len(offsets) == 2 {
					p.fail("the data_offsets of tensor %q are more than two", name)
				}
				offsets = append(offsets, p.number())
			})
			if len(offsets) != 2 {
				p.fail("the data_offsets of tensor %q are not two", name)
			}
			t.begin, t.end = offsets[0], offsets[1]
		default:
			p.fail("tensor %q has an unknown field %q", name, key)
		}
	})
	for _, field := range []string{"dtype", "shape", "data_offsets"} {
		if _, ok := seen[field]; !ok {
			p.fail("tensor %q has no %s", name, field)
		}
	}
	return t
}

// object parses an object and calls value at the beginning of each value.
func (p *headerParser) object(seen map[string]struct{}, value func(key string)) {
	p.expect('{')
	for first := true; p.peek() != '}'; first = false {
		if !first {
			p.expect(',')
		}
		key := p.text()
		if len(key) > longestName {
			p.fail("a name before byte %d has %d bytes, this reader takes %d", p.pos, len(key), longestName)
		}
		if _, ok := seen[key]; ok {
			p.fail("the key %q occurs twice, the second time before byte %d", key, p.pos)
		}
		seen[key] = struct{}{}
		p.expect(':')
		value(key)
	}
	p.pos++
}

func (p *headerParser) array(value func()) {
	p.expect('[')
	for first := true; p.peek() != ']'; first = false {
		if !first {
			p.expect(',')
		}
		value()
	}
	p.pos++
}

// peek returns the next byte that is not white space, without consuming it.
func (p *headerParser) peek() byte {
	for ; p.pos < len(p.b); p.pos++ {
		switch c := p.b[p.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	p.fail("it ends within a value")
	return 0
}

func (p *headerParser) expect(c byte) {
	if got := p.peek(); got != c {
		p.fail("byte %d is %q, not %q", p.pos, got, c)
	}
	p.pos++
}

// text parses a string.
func (p *headerParser) text() string {
	p.expect('"')
	from, escaped := p.pos, false
	for ; p.pos < len(p.b); p.pos++ {
		switch c := p.b[p.pos]; {
		case c < ' ':
			p.fail("byte %d is a control character in a string", p.pos)
		case c == '\\':
			escaped = true
			p.pos++
		case c == '"':
			raw := p.b[from:p.pos]
			p.pos++
			p.charge(len(raw))
			if !escaped {
				return string(raw)
			}
			var s string
			if err := json.Unmarshal(p.b[from-1:p.pos], &s); err != nil {
				p.fail("the string at byte %d: %v", from-1, err)
			}
			return s
		}
	}
	p.fail("the string at byte %d has no end", from-1)
	return ""
}

// number parses a whole number that fits 63 bits.
func (p *headerParser) number() uint64 {
	first, from := p.peek(), p.pos
	var n uint64
	for ; p.pos < len(p.b) && '0' <= p.b[p.pos] && p.b[p.pos] <= '9'; p.pos++ {
		digit := uint64(p.b[p.pos] - '0')
		if n > (math.MaxInt64-digit)/10 {
			p.fail("the number at byte %d does not fit 63 bits", from)
		}
		n = n*10 + digit
	}
	if p.pos == from || first == '0' && p.pos-from > 1 {
		p.fail("byte %d begins no whole number", from)
	}
	switch p.b[min(p.pos, len(p.b)-1)] {
	case '.', 'e', 'E':
		p.fail("the number at byte %d is not whole", from)
	}
	return n
}
