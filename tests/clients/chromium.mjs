// A page in Chromium, which can set no header, and so brings its token as a subprotocol: node chromium.mjs URL TOKEN
// The browser is $CHROMIUM, else Debian's.

import { chromium } from "playwright-core";

const [url, token] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
// The authority is one that no browser knows.
const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
await page.goto(url.replace("wss:", "https:").replace(/[^/]*$/, ""));
const told = await page.evaluate(
  ([url, token]) =>
    new Promise((resolve) => {
      const told = [];
      const socket = new WebSocket(url, ["bearer", `bearer.${token}`]);
      socket.onopen = () => socket.send("here");
      socket.onmessage = ({ data }) => {
        told.push(`heard ${data}`, `agreed ${socket.protocol}`);
        socket.close(1000);
      };
      socket.onclose = ({ code }) => resolve([...told, `closed ${code}`]);
    }),
  [url, token],
);
console.log(told.join("\n"));
await browser.close();
