package main

import "testing"

func TestTheAnswerSaysWhatWasAsked(t *testing.T) {
	if got := answer("hello"); got != "you said: hello" {
		t.Error(got)
	}
}
