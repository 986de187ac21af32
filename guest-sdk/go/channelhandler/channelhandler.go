// Package channelhandler has items of channels call a plugin: the same hand-over as to a worker, with nothing resident. Importing it
// is what makes a plugin have the export channel-handler.
package channelhandler

var exported func(channel string, item []byte) error

// Export gives the plugin its channel handler, which is called for each item of the channels that the plugin's manifest names. As many
// calls run at once as the manifest says. An error or a panic goes to the log; the item is gone. Call Export in an init function.
func Export(handler func(channel string, item []byte) error) { exported = handler }
