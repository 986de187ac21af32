// A chat with rooms: the path is the room, `?name=` says who somebody is, and what is said is broadcast to the room. The plugin keeps
// no list of anybody: the host knows who is connected where.

import { broadcast } from "holdline";

export function message(request, message) {
  if (typeof message !== "string") return request.send({ error: "say it as text" });
  broadcast.toPath(request.path, { from: name(request.query), text: message });
}

// Who somebody is, as the query says it.
function name(query) {
  const [, name] = /(?:^|&)name=([^&]*)/.exec(query) ?? [];
  return name || "somebody";
}
