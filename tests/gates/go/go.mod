module gate

go 1.25

require holdline/guest v0.0.0

replace holdline/guest => ../../../guest-sdk/go
