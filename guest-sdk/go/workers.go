package guest

import (
	"holdline/guest/internal/abi"
	"holdline/guest/internal/host"
)

// WorkerID names one start of a worker.
type WorkerID = uint64

// WorkerExit is what the exit channel is offered when a worker ends, as JSON: take it with [Channel.ReceiveJSON].
type WorkerExit struct {
	// Worker is which start of a worker this was.
	Worker WorkerID `json:"worker"`
	// Name is the one it was started with.
	Name string `json:"name"`
	// Outcome is how it ended: "finished", "failed" with an error, or "trapped" by a panic or a limit.
	Outcome string `json:"outcome"`
	// Error is the text of the error or of the trap; empty if it finished.
	Error string `json:"error"`
}

var workerErrors = cases{
	{ErrUnknown, "the plugin exports no worker"},
	{ErrQuotaExceeded, "the tenant has as many workers as it may, or the host is stopping"},
	{ErrTooLarge, "the argument is over 1 MiB, or the name over 255 bytes"},
	{ErrUnknownChannel, "no channel of the name of the exit channel is open"},
	{ErrInternal, hostFailed},
}

// StartWorker runs this plugin's worker once with this name and argument, in an instance of its own, and returns without waiting for
// it. When it ends, the channel named exitChannel, unless that is empty, is offered a [WorkerExit]. A worker that was started like
// this is not restarted.
//
// Errors: [ErrUnknown], [ErrQuotaExceeded], [ErrTooLarge], [ErrUnknownChannel].
func StartWorker(name string, argument []byte, exitChannel string) (WorkerID, error) {
	var hasExit uint32
	if exitChannel != "" {
		hasExit = 1
	}
	area := abi.Open()
	defer area.Close()
	host.StartWorker(abi.Valid(name), abi.View(argument), hasExit, abi.Valid(exitChannel), area.Pointer())
	if err := workerErrors.error(area, 8); err != nil {
		return 0, err
	}
	return area.Uint64(8), nil
}
