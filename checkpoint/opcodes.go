package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The opcodes that torch.load(weights_only=True) reads, under the names of Python's pickletools; BINSTRING is in
// files of Python 2.
const (
	opProto          = 0x80
	opStop           = '.'
	opMark           = '('
	opNone           = 'N'
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opLong1          = 0x8a
	opBinFloat       = 'G'
	opBinUnicode     = 'X'
	opShortBinString = 'U' // Python 2
	opBinString      = 'T' // Python 2
	opEmptyTuple     = ')'
	opTuple          = 't'
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opEmptyList      = ']'
	opAppend         = 'a'
	opAppends        = 'e'
	opEmptyDict      = '}'
	opEmptySet       = 0x8f
	opSetItem        = 's'
	opSetItems       = 'u'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opGlobal         = 'c'
	opReduce         = 'R'
	opNewObj         = 0x81
	opBuild          = 'b'
	opBinPersID      = 'Q'
)

func (m *machine) step(op byte) {
	switch op {
	case opMark:
		if len(m.marks) == pickleDepth {
			m.fail("more than %d values are open in one another at byte %d", pickleDepth, m.op)
		}
		m.marks = append(m.marks, len(m.stack))
	case opNone:
		m.push(none{})
	case opNewTrue:
		m.push(true)
	case opNewFalse:
		m.push(false)
	case opBinInt:
		m.push(int64(int32(m.uint32())))
	case opBinInt1:
		m.push(int64(m.bytes(1)[0]))
	case opBinInt2:
		m.push(int64(binary.LittleEndian.Uint16(m.bytes(2))))
	case opLong1:
		m.push(m.long(m.bytes(int(m.bytes(1)[0]))))
	case opBinFloat:
		m.push(math.Float64frombits(binary.BigEndian.Uint64(m.bytes(8))))
	case opBinUnicode, opBinString:
		m.push(m.text(m.uint32()))
	case opShortBinString:
		m.push(m.text(uint32(m.bytes(1)[0])))
	case opEmptyTuple:
		m.push(&tuple{})
	case opTuple:
		m.tuple(m.popMark())
	case opTuple1, opTuple2, opTuple3:
		m.tuple(m.popN(int(op-opTuple1) + 1))
	case opEmptyList:
		m.charge(48)
		m.push(&list{})
	case opAppend:
		v := m.pop()
		m.extend([]value{v})
	case opAppends:
		m.extend(m.popMark())
	case opEmptyDict:
		m.charge(64)
		m.push(&dict{})
	case opEmptySet:
		m.other("a set")
	case opSetItem:
		v := m.pop()
		m.setItems([]value{m.pop(), v})
	case opSetItems:
		m.setItems(m.popMark())
	case opBinPut:
		m.put(uint32(m.bytes(1)[0]))
	case opLongBinPut:
		m.put(m.uint32())
	case opBinGet:
		m.get(uint32(m.bytes(1)[0]))
	case opLongBinGet:
		m.get(m.uint32())
	case opGlobal:
		m.global()
	case opReduce:
		args := m.popTuple()
		m.push(m.reduce(m.popGlobal(), args))
	case opBuild:
		state := m.pop()
		v := m.pop()
		m.build(v, state)
		m.push(v)
	case opBinPersID:
		m.persistentID()
	default:
		if m.protocol > 3 {
			m.fail("it is a pickle of protocol %d, which torch.load(weights_only=True) does not read either: "+
				"save it again in Python with torch.save's own pickle_protocol", m.protocol)
		}
		m.fail("opcode %#02x at byte %d does not occur in state dicts", op, m.op)
	}
}

// long decodes a little-endian integer in two's complement.
func (m *machine) long(b []byte) value {
	if len(b) > 8 {
		m.charge(32)
		return &other{what: fmt.Sprintf("an integer of %d bytes", len(b))}
	}
	var x uint64
	for i, c := range b {
		x |= uint64(c) << (8 * i)
	}
	if unused := 64 - 8*len(b); len(b) > 0 {
		return int64(x<<unused) >> unused
	}
	return int64(0)
}

// other pushes a value of which the machine keeps only the kind.
func (m *machine) other(what string) {
	m.charge(32)
	m.push(&other{what: what})
}

func (m *machine) tuple(items []value) {
	m.charge(24 + 16*len(items))
	m.push(&tuple{append([]value(nil), items...)})
}

// popN returns the last n values in the order in which they were pushed.
func (m *machine) popN(n int) []value {
	for range n {
		m.pop()
	}
	return m.stack[len(m.stack) : len(m.stack)+n]
}

func (m *machine) popTuple() []value {
	v := m.pop()
	t, ok := v.(*tuple)
	if !ok {
		m.fail("opcode %#02x at byte %d has %s for its arguments", m.data[m.op], m.op, describe(v))
	}
	return t.items
}

func (m *machine) popGlobal() global {
	v := m.pop()
	g, ok := v.(global)
	if !ok {
		m.fail("opcode %#02x at byte %d would call %s", m.data[m.op], m.op, describe(v))
	}
	return g
}

func (m *machine) extend(items []value) {
	v := m.pop()
	l, ok := v.(*list)
	if !ok {
		m.fail("the pickle appends to %s at byte %d", describe(v), m.op)
	}
	m.charge(32 * len(items))
	l.items = append(l.items, items...)
	m.push(l)
}

func (m *machine) setItems(pairs []value) {
	v := m.pop()
	d, ok := v.(*dict)
	if !ok {
		m.fail("the pickle sets items of %s at byte %d", describe(v), m.op)
	}
	if len(pairs)%2 != 0 {
		m.fail("a key without a value at byte %d", m.op)
	}
	for i := 0; i < len(pairs); i += 2 {
		m.add(d, pairs[i], pairs[i+1])
	}
	m.push(d)
}

// add adds an item to d.
func (m *machine) add(d *dict, key, v value) {
	m.charge(160)
	switch key.(type) {
	case *list, *dict:
		m.fail("a dict has %s for a key at byte %d, which Python does not take", describe(key), m.op)
	}
	if !d.add(key, v) {
		m.fail("the key %s occurs twice in a dict, the second time in the items that end at byte %d", show(key), m.op)
	}
}

func (m *machine) put(i uint32) {
	v := m.pop()
	m.stack = append(m.stack, v)
	m.charge(96)
	m.memo[i] = v
}

func (m *machine) get(i uint32) {
	v, ok := m.memo[i]
	if !ok {
		m.fail("byte %d asks for value %d, which the pickle has not kept", m.op, i)
	}
	m.push(v)
}
