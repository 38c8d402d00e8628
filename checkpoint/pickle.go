package checkpoint

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Limits of the pickle machine. A ResNet-152 has 932 tensors and needs about 2 MiB of the budget.
const (
	pickleBudget = 16 << 20 // bytes of values, as charge estimates them
	pickleString = 1 << 20  // bytes of a string
	pickleDepth  = 100      // nested tuples, lists and dicts; marks on the stack
)

// machine is a pickle interpreter for protocol 2, which torch.save writes. It knows only the opcodes and globals that
// torch.load(weights_only=True) knows. It also reads files that name a later protocol but use only these opcodes, as
// most of protocol 3 do. It calls nothing: what PyTorch would call becomes a value. One machine may read several
// pickles in a row; they share its budget.
type machine struct {
	data     []byte
	pos      int // the next byte
	op       int // position of the current opcode, for messages
	protocol byte
	// persistent turns the argument of BINPERSID into a storage; nil refuses it.
	persistent func(id value) (value, error)

	stack []value
	marks []int
	memo  map[uint32]value
	spent int
}

// An escaped error leaves nested parser calls by panic.
type escaped struct{ error }

func escape(format string, args ...any) { panic(escaped{fmt.Errorf(format, args...)}) }

// catch sets err to the error of an escape, if there was one.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case escaped:
		*err = r.error
	default:
		panic(r)
	}
}

func (m *machine) fail(format string, args ...any) { escape(format, args...) }

// next reads one pickle and leaves m.pos after its last byte.
func (m *machine) next() (v value, err error) {
	defer catch(&err)
	m.charge(1024) // also for the reader's own data for each of many small pickles
	m.stack, m.marks, m.memo = m.stack[:0], m.marks[:0], map[uint32]value{}
	if op := m.bytes(2); op[0] != opProto {
		m.fail("byte %d is %#02x, no beginning of a pickle", m.op, op[0])
	} else if m.protocol = op[1]; m.protocol < 2 || m.protocol > 5 {
		m.fail("it is a pickle of protocol %d: save it again in Python with torch.save's own pickle_protocol", m.protocol)
	}
	for {
		m.op = m.pos
		op := m.bytes(1)[0]
		if op == opStop {
			v = m.pop()
			if len(m.stack) > 0 || len(m.marks) > 0 {
				m.fail("the pickle that ends at byte %d leaves values behind", m.op)
			}
			return v, checkNesting(v)
		}
		m.step(op)
	}
}

// charge counts the memory of a value and stops a pickle that needs much more memory than it has bytes.
func (m *machine) charge(n int) {
	if n > pickleBudget-m.spent {
		m.fail("at byte %d the pickle has asked for more than %d MiB of values: no state dict of an image classifier does", m.op, pickleBudget>>20)
	}
	m.spent += n
}

func (m *machine) bytes(n int) []byte {
	if n < 0 || n > len(m.data)-m.pos {
		m.fail("the pickle is cut short: %d bytes are wanted at byte %d, %d are left", n, m.pos, len(m.data)-m.pos)
	}
	b := m.data[m.pos : m.pos+n]
	m.pos += n
	return b
}

func (m *machine) uint32() uint32 { return binary.LittleEndian.Uint32(m.bytes(4)) }

// text reads n bytes as a string.
func (m *machine) text(n uint32) string {
	b := m.bytes(int(n))
	if n > pickleString {
		m.fail("the string at byte %d has %d bytes, this reader takes %d", m.op, n, pickleString)
	}
	if !validText(b) {
		m.fail("the string at byte %d is not UTF-8", m.op)
	}
	m.charge(len(b) + 16)
	return string(b)
}

// validText reports whether Python reads b as UTF-8 with the error handler "surrogatepass", as pickle does.
func validText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if len(b) < 3 || b[0] != 0xed || b[1]&0xe0 != 0xa0 || b[2]&0xc0 != 0x80 {
				return false
			}
			n = 3 // half of a pair of UTF-16
		}
		b = b[n:]
	}
	return true
}

// line reads to the next line feed, which ends each of GLOBAL's two names.
func (m *machine) line() string {
	const longest = 256
	for i, b := range m.data[m.pos:] {
		if b == '\n' {
			return m.text(uint32(i + 1))[:i]
		}
		if i == longest {
			m.fail("the name at byte %d is longer than %d bytes", m.op, longest)
		}
	}
	m.fail("the pickle is cut short: the name at byte %d has no end", m.op)
	return ""
}

func (m *machine) push(v value) {
	m.charge(48) // an interface, and the spare capacity of append
	m.stack = append(m.stack, v)
}

func (m *machine) pop() value {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= floor {
		m.fail("opcode %#02x at byte %d finds the stack empty", m.data[m.op], m.op)
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

// popMark returns the values above the last mark; they are valid until the next push.
func (m *machine) popMark() []value {
	if len(m.marks) == 0 {
		m.fail("opcode %#02x at byte %d finds no mark", m.data[m.op], m.op)
	}
	from := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	values := m.stack[from:]
	m.stack = m.stack[:from]
	return values
}
