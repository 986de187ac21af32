// Objects of the host that a plugin holds: they stay with the host until they are given back, and its table of them is finite.

const DISPOSE = Symbol.dispose ?? Symbol.for("dispose");

/** Gives it back. Must not be used any more. */
export function drop(resource) {
  resource[DISPOSE]?.();
}

// QuickJS collects an object at once, but gives nothing back to the host for it, so that is seen to here, now and then: a worker may
// run for ever. StarlingMonkey gives back, but neither collects nor tells before the worker returns.
const FEW = 64;
let held = [];
let many = FEW;

/** Has it given back some time after its owner is no longer used. */
export function keepFor(owner, resource) {
  if (globalThis.HOLDLINE_ENGINE !== "quickjs") return;
  if (held.length >= many) {
    held = held.filter((entry) => entry.owner.deref() !== undefined || drop(entry.resource));
    many = Math.max(FEW, 2 * held.length);
  }
  held.push({ owner: new WeakRef(owner), resource });
}
