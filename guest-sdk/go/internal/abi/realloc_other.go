//go:build !wasm

package abi

func reuse() {}
