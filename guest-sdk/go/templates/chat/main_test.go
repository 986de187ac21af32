package main

import "testing"

func TestTheQuerySaysWhoItIs(t *testing.T) {
	for query, want := range map[string]string{"room=1&name=Ann": "Ann", "name=&x": "somebody", "": "somebody"} {
		if got := name(query); got != want {
			t.Errorf("%q is %q", query, got)
		}
	}
}
