// Package abi carries values across the border of the component as the component model's canonical ABI lays them out.
//
// It knows how bytes lie in memory and nothing of what they mean.
package abi

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Place is an address in linear memory with a record of the canonical ABI at it. Offsets are those of the record's fields.
type Place uintptr

func (p Place) at(offset uintptr) unsafe.Pointer {
	// Addresses that the host gives are numbers: adding to nil is how vet wants a pointer made from one.
	return unsafe.Add(unsafe.Pointer(nil), uintptr(p)+offset)
}

// Uint8 reads a byte: a boolean, or the case of a variant.
func (p Place) Uint8(offset uintptr) uint8 { return *(*uint8)(p.at(offset)) }

// Uint32 reads 32 bits.
func (p Place) Uint32(offset uintptr) uint32 { return *(*uint32)(p.at(offset)) }

// Uint64 reads 64 bits.
func (p Place) Uint64(offset uintptr) uint64 { return *(*uint64)(p.at(offset)) }

// Bytes copies a list of bytes.
func (p Place) Bytes(offset uintptr) []byte { return Bytes(p.Uint32(offset), p.Uint32(offset+4)) }

// Text copies a string.
func (p Place) Text(offset uintptr) string { return Text(p.Uint32(offset), p.Uint32(offset+4)) }

// Bytes copies a list of bytes that the host has written.
func Bytes(address, length uint32) []byte {
	return append([]byte{}, unsafe.Slice((*byte)(Place(address).at(0)), length)...)
}

// Text copies a string that the host has written.
func Text(address, length uint32) string {
	return strings.Clone(unsafe.String((*byte)(Place(address).at(0)), length))
}

// List reads a list of which each element has this size.
func List[T any](address, length uint32, size uintptr, read func(Place) T) []T {
	elements := make([]T, length)
	for i := range elements {
		elements[i] = read(Place(uintptr(address) + uintptr(i)*size))
	}
	return elements
}

// Valid is the text with U+FFFD for what is not UTF-8: a Go string may hold anything, and the host traps on anything else.
func Valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// View shows bytes as the pair of address and length that a string is, without copying them.
func View(bytes []byte) string { return unsafe.String(unsafe.SliceData(bytes), len(bytes)) }

// Address is where the text begins. Whoever passes the number on keeps the text alive.
func Address(text string) uint32 {
	moved = text
	return uint32(uintptr(unsafe.Pointer(unsafe.StringData(text))))
}

// moved has the compiler put on the heap what an address is taken of: stacks move.
var moved string
