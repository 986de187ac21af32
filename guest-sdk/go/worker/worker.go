// Package worker has a plugin run beside the connections. Importing it is what makes a plugin have the export worker.
package worker

var exported func(name string, argument []byte) error

// Export gives the plugin its worker. It is run in as many instances as the plugin's manifest says, and once for each
// guest.StartWorker, with the name and the argument given there. One that returns nil is done; one of the manifest that returns an
// error or panics is run again after a pause, 100 ms at first and doubled each time up to 30 s. Call Export in an init function.
func Export(run func(name string, argument []byte) error) { exported = run }
