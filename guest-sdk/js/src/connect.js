// Deciding who may connect, and the headers of requests and upgrades.

import { asBytes } from "./bytes.js";
import { bytes, string, u16 } from "./values.js";

/** The headers with values that can be read as text. */
export function headersOf(list) {
  return list.map(({ name, value }) => ({ name, value: asBytes(value) }));
}

/** The first value under this name, in any case, as text; null if there is none. */
export function firstHeader(headers, name) {
  const wanted = String(name).toLowerCase();
  return headers.find((header) => header.name.toLowerCase() === wanted)?.value.text() ?? null;
}

/** The HTTP request that asks for a connection, as a plugin is given it. */
export function upgradeOf({ path, query, headers, subprotocols, remoteAddress }) {
  const list = headersOf(headers);
  return { path, query, headers: list, subprotocols, remoteAddress, header: (name) => firstHeader(list, name) };
}

/** How a connection begins, as the contract wants it. */
export function acceptanceOf({ subprotocol, attachment } = {}) {
  return {
    subprotocol: subprotocol === undefined || subprotocol === null ? undefined : string(subprotocol),
    attachment: bytes(attachment ?? ""),
  };
}

/** The HTTP response that refuses. */
export class Refusal {
  constructor(status, { headers = {}, body = "" } = {}) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** The same as the contract wants it. */
export function refusalOf({ status, headers, body }) {
  const pairs = typeof headers[Symbol.iterator] === "function" ? [...headers] : Object.entries(headers);
  return {
    status: u16(status),
    headers: pairs.map(([name, value]) => ({ name: string(name), value: bytes(value) })),
    body: bytes(body),
  };
}
