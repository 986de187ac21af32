#include "textflag.h"

// A trap, and not a panic, which would write to the log: the guest may not call out here. The trap's backtrace has the name.
TEXT ·outOfMemory(SB), NOSPLIT, $0-0
	UNDEF
