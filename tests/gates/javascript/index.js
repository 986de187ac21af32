// Decides who may connect, as the query says, and tells whoever is in what it was let in with. It has no timer handler and no worker.

import { Refusal, timers, workers } from "holdline";

export function connect(upgrade) {
  if (upgrade.query === "refuse") {
    return new Refusal(403, { headers: { "x-reason": "not today", "content-length": "7000" }, body: "closed on Mondays" });
  }
  if (upgrade.query === "redirect") return new Refusal(302);
  if (upgrade.query === "trap") throw new Error("the gate is broken");
  if (upgrade.query === "uninvited") return { subprotocol: "never-offered" };
  const seen = `${upgrade.path} ${upgrade.query} ${upgrade.header("X-User") ?? ""} ${upgrade.remoteAddress}`;
  return { subprotocol: upgrade.subprotocols[1], attachment: seen };
}

export function message(request, message) {
  if (message === "start") {
    request.send({ timer: caseOf(() => timers.after(1)), worker: caseOf(() => workers.start("w")) });
  } else {
    request.send({ subprotocol: request.subprotocol, attachment: request.attachment.text() });
  }
}

function caseOf(act) {
  try {
    act();
    return null;
  } catch (error) {
    return error.code;
  }
}
