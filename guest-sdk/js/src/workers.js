// Starting workers. A worker is a run of this plugin's `run` function in an instance of its own.

import wire from "#host/workers";
import { WorkerError, ask } from "./error.js";
import { bytes, string } from "./values.js";

export const workers = {
  start(name, argument = "", { exitChannel } = {}) {
    const list = bytes(argument);
    const exit = exitChannel === undefined || exitChannel === null ? undefined : string(exitChannel);
    return Number(ask(WorkerError, () => wire.start(string(name), list, exit)));
  },
};
