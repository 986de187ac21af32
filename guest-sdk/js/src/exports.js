// What the host calls: the exported interfaces, made of the functions that the plugin's module exports.

import { asBytes } from "./bytes.js";
import { Refusal, acceptanceOf, refusalOf, upgradeOf } from "./connect.js";
import { describe, shown } from "./globals.js";
import { Request } from "./request.js";
import { bytes } from "./values.js";

export function connectHandler({ connect }) {
  return {
    onConnect(upgrade) {
      let answer;
      try {
        answer = atOnce(connect(upgradeOf(upgrade)));
      } catch (error) {
        if (!(error instanceof Refusal)) {
          console.error(describe(error));
          // The contract has no error here but a refusal, so that this becomes a trap, and the client gets 500.
          throw error;
        }
        answer = error;
      }
      if (answer instanceof Refusal) throw refusalOf(answer);
      return acceptanceOf(answer ?? undefined);
    },
  };
}

export function handler({ open, message, close }) {
  return {
    onOpen(request) {
      call(open, new Request(request));
    },
    onMessage(request, { tag, val }) {
      call(message, new Request(request), tag === "text" ? val : asBytes(val));
    },
    onClose(request, { frame, clean }) {
      call(close, new Request(request), { frame: frame ?? null, clean });
    },
  };
}

export function worker({ run }) {
  return {
    run(name, argument) {
      call(run, name, asBytes(argument));
    },
  };
}

export function timerHandler({ timer }) {
  return {
    onTimer(id, payload) {
      call(timer, Number(id), asBytes(payload));
    },
  };
}

export function channelHandler({ item }) {
  return {
    onItem(channel, list) {
      call(item, channel, asBytes(list));
    },
  };
}

export function migration({ migrate }) {
  return {
    migrate(attachment, fromVersion) {
      return call(attachmentOf, migrate, asBytes(attachment), fromVersion);
    },
  };
}

/** What `migrate` returns, as the contract wants it. A `return` that was forgotten must not be the end of an attachment. */
function attachmentOf(migrate, ...values) {
  const attachment = atOnce(migrate(...values));
  if (attachment !== undefined && attachment !== null) return bytes(attachment);
  throw new TypeError("`migrate` returned nothing: an attachment that is to be none is an empty text");
}

/** Calls what the plugin exports, if it does; what it throws is shown with its stack, and its text is the event's error. */
function call(work, ...values) {
  try {
    return atOnce(work?.(...values));
  } catch (error) {
    console.error(describe(error));
    // What cannot be written as a text is a trap.
    throw isExhausted(error) ? { payload: undefined } : textOf(error);
  }
}

/** An instance whose engine has run out of memory is not worth keeping. QuickJS throws an error of its own, StarlingMonkey a text. */
function isExhausted(error) {
  return error === "out of memory" || (globalThis.InternalError !== undefined && error instanceof InternalError);
}

/** Nobody would wait for a promise: a handler is done when it returns. */
function atOnce(answer) {
  if (typeof answer?.then !== "function") return answer;
  throw new TypeError("the function returned a promise: functions that the host calls cannot be async, nor need they wait");
}

function textOf(error) {
  return (error instanceof Error && error.name === "Error" ? error.message : shown(error)).toWellFormed();
}
