// The `ws` package of Node: node node.mjs URL TOKEN AUTHORITY

import { readFileSync } from "node:fs";
import WebSocket from "ws";

const [url, token, authority] = process.argv.slice(2);
const socket = new WebSocket(url, { ca: readFileSync(authority), headers: { authorization: `Bearer ${token}` } });
socket.on("open", () => socket.send("here"));
socket.on("message", (data) => {
  console.log(`heard ${data}`);
  socket.close(1000);
});
socket.on("close", (code) => console.log(`closed ${code}`));
socket.on("unexpected-response", (_, response) => console.log(`refused ${response.statusCode}`));
socket.on("error", (error) => console.log(`failed ${error.message}`));
