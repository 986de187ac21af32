package main

import (
	"strings"
	"testing"
)

func TestValuesAreExact(t *testing.T) {
	for text, want := range map[string]string{
		"1/3 + 1/6":    "1/2",
		"-0.1 * 3":     "-3/10",
		"(1<<100) - 1": "1267650600228229401496703205375",
		"ans * 2":      "14/3",
	} {
		if got, err := calculate(text, "7/3"); got != want || err != nil {
			t.Errorf("%s is %q, %v", text, got, err)
		}
	}
}

func TestWhatCannotBeCalculatedIsSaid(t *testing.T) {
	for _, text := range []string{"", "1 +", "1/0", "1/(ans-ans)", "pi", `"a"`, "1<<99999", "0.5<<1", "1.5<<-1", "f()", "7%2", "!1", "1e99999999", strings.Repeat("(", 2000)} {
		if got, err := calculate(text, "7/3"); err == nil {
			t.Errorf("%q is %q", text, got)
		}
	}
}
