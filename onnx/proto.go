package onnx

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message is an encoded protocol buffer. Its methods append a field, by the field's number in onnx.proto.
type message []byte

func (m *message) int(field protowire.Number, v int64) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, uint64(v))
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, v)
}

func (m *message) string(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

// ints appends a repeated field of integers, not packed, as in onnx.proto.
func (m *message) ints(field protowire.Number, vs []int64) {
	for _, v := range vs {
		m.int(field, v)
	}
}

// Types of tensors: TensorProto.DataType.
const (
	typeFloat = 1
	typeUint8 = 2
	typeInt64 = 7
)

// tensor is a TensorProto: data as it lies in memory, little-endian.
func tensor(name string, dtype int64, shape []int64, data []byte) (m message) {
	m.ints(1, shape)
	m.int(2, dtype)
	m.string(8, name)
	m.bytes(9, data)
	return m
}

// value is a ValueInfoProto: a name with a type and a shape, in which an int64 is a fixed length and a string names a
// variable one.
func value(name string, dtype int64, shape ...any) (m message) {
	var dims message
	for _, n := range shape {
		var dim message
		switch n := n.(type) {
		case int64:
			dim.int(1, n)
		case string:
			dim.string(2, n)
		}
		dims.bytes(1, dim)
	}
	var tensor, kind message
	tensor.int(1, dtype)
	tensor.bytes(2, dims)
	kind.bytes(1, tensor)
	m.string(1, name)
	m.bytes(2, kind)
	return m
}

// An attribute is an AttributeProto.
type attribute = message

// Kinds of attributes: AttributeProto.AttributeType.
const (
	kindInt    = 2
	kindString = 3
	kindInts   = 7
)

func attrInt(name string, v int64) (m attribute) {
	m.string(1, name)
	m.int(3, v)
	m.int(20, kindInt)
	return m
}

func attrString(name, v string) (m attribute) {
	m.string(1, name)
	m.string(4, v)
	m.int(20, kindString)
	return m
}

func attrInts(name string, vs ...int64) (m attribute) {
	m.string(1, name)
	m.ints(8, vs)
	m.int(20, kindInts)
	return m
}

// little returns the little-endian bytes of numbers.
func little[N float32 | int64](vs []N) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, vs)
	if err != nil {
		panic(err) // of other types
	}
	return b
}
