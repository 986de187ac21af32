package guest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// Cases go over the border as numbers, which no compiler checks: the tables have to be in the order of the contract.
func TestTheCasesAreThoseOfTheContract(t *testing.T) {
	files, err := filepath.Glob("../../wit/websocket/*.wit")
	if err != nil || len(files) == 0 {
		t.Skip("the contract is not beside the SDK")
	}
	declared := map[string][]Case{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`(?s)(?:enum|variant) ([a-z]+-error) \{(.*?)\n  \}`).FindAllSubmatch(text, -1) {
			for _, line := range regexp.MustCompile(`(?m)^    ([a-z-]+)(?:\(string\))?,$`).FindAllSubmatch(found[2], -1) {
				name := string(found[1])
				declared[name] = append(declared[name], Case(line[1]))
			}
		}
	}
	tables := map[string]cases{
		"retain-error": retainErrors, "reply-error": replyErrors, "delayed-error": delayedErrors, "channel-error": channelErrors,
		"timer-error": timerErrors, "worker-error": workerErrors, "broadcast-error": broadcastErrors,
	}
	if len(declared) != len(tables) {
		t.Errorf("the contract declares %v", declared)
	}
	for name, table := range tables {
		var here []Case
		for _, one := range table {
			here = append(here, one.is)
		}
		if !slices.Equal(here, declared[name]) {
			t.Errorf("%s is %v in the contract and %v here", name, declared[name], here)
		}
	}
}
