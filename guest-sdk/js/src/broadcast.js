// Sending one message to many connections of the tenant, held ones included.

import wire from "#host/broadcast";
import { BroadcastError, ask } from "./error.js";
import { messageOf, string } from "./values.js";

export const broadcast = {
  toPath(path, value) {
    return send({ tag: "path", val: string(path) }, value);
  },

  toConnections(ids, value) {
    return send({ tag: "connections", val: Array.from(ids, string) }, value);
  },
};

function send(audience, value) {
  const sent = messageOf(value);
  return ask(BroadcastError, () => wire.send(audience, sent));
}
