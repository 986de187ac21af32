// Does what it is told. A message is a list of commands in JSON, and the report is the list of what came of them:
// `{"ok": value}`, or `{"error": the name of the case}`.
//
// The report goes back to the client: as a reply, or by a push once the event has retained. Where neither can be, as in a close
// event, it goes to the log. The headers `x-open` and `x-close` have the commands of those events. Workers, timers and channel
// items carry commands, too; their reports go to the log.

import { DelayedWebSocket } from "holdline";
import { Stage, trap } from "./stage.js";

export function open(request) {
  const commands = request.header("x-open");
  if (commands !== null) obey(request, commands);
}

export function message(request, message) {
  if (typeof message === "string") obey(request, message);
  else request.send(message);
}

export function close(request, { frame, clean }) {
  const pair = frame && [frame.code, frame.reason];
  console.log(`close event: ${JSON.stringify({ clean, frame: pair, id: request.id })}`);
  const commands = request.header("x-close");
  if (commands !== null) obey(request, commands);
}

export function run(name, argument) {
  console.log(`worker ${name}: ${alone(argument)}`);
}

export function timer(timer, payload) {
  console.log(`timer ${timer}: ${alone(payload)}`);
}

export function item(channel, item) {
  console.log(`item of ${channel}: ${alone(item)}`);
}

/** As the attachment says: `fail`, `trap` or `forget`. Any other is told where it comes from. */
export function migrate(attachment, fromVersion) {
  const text = attachment.text();
  if (text === "fail") throw new Error("that was never an attachment");
  if (text === "trap") trap();
  return text === "forget" ? "" : `${text} from ${fromVersion}`;
}

function obey(request, commands) {
  const stage = new Stage(request);
  const answer = { report: stage.play(JSON.parse(commands)) };
  try {
    if (stage.handle === null) request.sendJson(answer);
    else new DelayedWebSocket(stage.handle).pushJson(answer);
  } catch {
    console.log(`untold: ${JSON.stringify(answer)}`);
  }
}

function alone(commands) {
  return JSON.stringify(new Stage(null).play(commands.json()));
}
