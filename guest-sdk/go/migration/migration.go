// Package migration has a plugin make the attachments of another version of it its own. Importing it is what makes a plugin have the
// export migration, without which attachments stay as they are.
package migration

var exported func(attachment []byte, fromVersion string) ([]byte, error)

// Export gives the plugin what is called when a connection that has an attachment moves to this version from another one, which is
// another component: by a deploy, by a rollback, to a canary and back. What it returns is the attachment from then on; an empty one is
// none. The other argument is the digest of the version that the connection comes from: sha256: and 64 hexadecimal digits.
//
// It comes once for each move, before the first event that this version handles. There is no request: nothing can be sent to the
// connection, nor can it be retained. An error or a panic goes to the log, and the connection is closed with 1011; so it is with an
// attachment over the limit. The version that it comes from gets the close event, with the attachment as it was. Call Export in an
// init function.
func Export(migrate func(attachment []byte, fromVersion string) ([]byte, error)) { exported = migrate }
