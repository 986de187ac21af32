package main

import (
	"testing"
	"time"
)

func TestTheTextIsMirroredByCharacters(t *testing.T) {
	if got := mirrored("hellö"); got != "ölleh" {
		t.Errorf("%q", got)
	}
}

func TestTheArgumentSaysTheDelay(t *testing.T) {
	for argument, want := range map[string]time.Duration{"": time.Second, "250": 250 * time.Millisecond} {
		if got, err := parseDelay(argument); got != want || err != nil {
			t.Errorf("%q: %v, %v", argument, got, err)
		}
	}
	if _, err := parseDelay("soon"); err == nil {
		t.Error("`soon` is no delay")
	}
}
