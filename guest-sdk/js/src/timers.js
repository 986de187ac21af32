// Timers that call this plugin's `timer` function, each time in a new event.

import wire from "#host/timers";
import { asBytes } from "./bytes.js";
import { TimerError, ask } from "./error.js";
import { bytes, id, millis, string } from "./values.js";

export const timers = {
  after(delayMs, payload = "") {
    return set({ tag: "after", val: millis(delayMs) }, payload);
  },

  at(time, payload = "") {
    return set({ tag: "at", val: millis(time) }, payload);
  },

  every(intervalMs, payload = "", { missed } = {}) {
    return set({ tag: "every", val: millis(intervalMs) }, payload, missed);
  },

  cron(expression, payload = "", { timeZone, missed } = {}) {
    const zone = timeZone === undefined || timeZone === null ? undefined : string(timeZone);
    return set({ tag: "cron", val: { expression: string(expression), timeZone: zone } }, payload, missed);
  },

  cancel(timer) {
    ask(TimerError, () => wire.cancel(id(timer)));
  },

  list() {
    return wire.list().map((timer) => ({
      id: Number(timer.id),
      nextMs: Number(timer.nextMs),
      payload: asBytes(timer.payload),
    }));
  },

  sleep(delayMs) {
    wire.sleep(millis(delayMs));
  },
};

function set(schedule, payload, missed = "skip") {
  if (!["skip", "burst", "coalesce"].includes(missed)) {
    throw new TypeError('missed is "skip", "burst" or "coalesce"');
  }
  const list = bytes(payload);
  return Number(ask(TimerError, () => wire.set(schedule, list, missed)));
}
