// Uses the demo page in a real browser, as a person would: node page.mjs URL
// The browser is $CHROMIUM, else Debian's. Nothing here sleeps: every step waits for what it expects to see.

import { stripVTControlCharacters } from "node:util";
import { chromium } from "playwright-core";

const url = process.argv[2];
if (!url) {
  console.error("usage: node page.mjs URL");
  process.exit(2);
}

// A step that takes this long has failed; the slowest takes two seconds on a machine with nothing else to do.
const PATIENCE = 20_000;
// What the mirror promises. Noise can only make an answer later, so every bound is a lower one, and a tenth
// is allowed for clocks that differ.
const MIRROR_DELAY = 1000;
const atLeast = (delay) => 0.9 * delay;

let passed = 0;
let failed = 0;

async function check(promise, steps) {
  try {
    const seen = await steps();
    passed += 1;
    console.log(`ok ${promise}${seen ? ` (${seen})` : ""}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${promise}\n${indent(stripVTControlCharacters(error.message))}\n${indent(await whatIsSeen())}`);
  }
}

const indent = (text) => text.replace(/^/gm, "    ");

async function whatIsSeen() {
  const text = await page.locator("body").innerText({ timeout: 1000 }).catch(() => "nothing: there is no page");
  return `the page shows:\n${indent(text)}`;
}

async function finish() {
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

function expect(truth, seen) {
  if (!truth) throw new Error(`seen: ${seen}`);
}

const connect = async (plugin) => {
  await page.click(`#${plugin}-connect`);
  await page.waitForSelector(`#${plugin}[data-state=open]`);
};

const send = async (plugin, text) => {
  await page.fill(`#${plugin}-input`, text);
  await page.click(`#${plugin}-send`);
};

// The nth line of a kind in a list, from 0, once it is there.
const line = async (list, kind, nth) => {
  const found = page.locator(`#${list} [data-kind=${kind}]`).nth(nth);
  await found.waitFor();
  return {
    text: await found.locator(".text").textContent(),
    delay: Number(await found.getAttribute("data-delay")),
  };
};

// No name for the profile: Playwright makes a fresh one and removes it in the end.
const browser = await chromium.launchPersistentContext("", {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(PATIENCE);

const complaints = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
page.on("response", (response) => response.status() >= 400 && complaints.push(`${response.url()}: ${response.status()}`));

await check("the page opens", async () => {
  await page.goto(url);
  await page.getByRole("heading", { name: "Holdline" }).waitFor();
});
// Without a page every other check would only wait for nothing.
if (failed > 0) await finish();

await check("echo answers", async () => {
  await connect("echo");
  await send("echo", "good morning");
  const { text, delay } = await line("echo-log", "reply", 0);
  expect(text === "good morning", text);
  return `after ${delay} ms`;
});

await check("markup from the server is shown as text", async () => {
  await send("echo", "<b>bold</b>");
  const { text } = await line("echo-log", "reply", 1);
  expect(text === "<b>bold</b>", text);
});

await check("mirror greets", async () => {
  await connect("mirror");
  const { text } = await line("mirror-log", "unasked", 0);
  expect(text.length > 0, "an empty greeting");
  return text;
});

await check("mirror answers after its delay", async () => {
  await send("mirror", "good evening");
  const { text, delay } = await line("mirror-log", "reply", 0);
  expect(text.includes("good evening"), text);
  expect(delay >= atLeast(MIRROR_DELAY), `an answer after ${delay} ms`);
  return `after ${delay} ms`;
});

await check("of two at once on mirror, the second waits while the first is held", async () => {
  await page.click("#mirror-send-two");
  const first = await line("mirror-log", "reply", 1);
  const second = await line("mirror-log", "reply", 2);
  expect(first.text.includes("first") && second.text.includes("second"), `${first.text}, then ${second.text}`);
  expect(first.delay >= atLeast(MIRROR_DELAY), `the first after ${first.delay} ms`);
  // Counted from the sending and not from the first answer: that one may have reached the page late.
  expect(second.delay >= atLeast(2 * MIRROR_DELAY), `the second after ${second.delay} ms`);
  return `after ${first.delay} and ${second.delay} ms`;
});

await check("the timeline shows both answered, in the order in which they were sent", async () => {
  const answered = page.locator("#mirror-timeline [data-state=answered] .text");
  await answered.nth(1).waitFor();
  const order = (await answered.allTextContents()).join(", ");
  expect(order === "first, second", order);
});

await check("ticker ticks by itself", async () => {
  await connect("ticker");
  await line("ticker-ticks", "tick", 0);
  const { text } = await line("ticker-ticks", "tick", 1);
  return text;
});

await check("ticker answers 300 after 300 ms", async () => {
  await send("ticker", "300");
  const { text, delay } = await line("ticker-log", "reply", 0);
  expect(delay >= atLeast(300), `${text} after ${delay} ms`);
  return `after ${delay} ms`;
});

await check("at 360 px nothing sticks out, not even a long word", async () => {
  await send("echo", "abcdefghij".repeat(60));
  await line("echo-log", "reply", 2);
  await page.setViewportSize({ width: 360, height: 740 });
  const tooWide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll("body *")].filter((element) => {
      const { left, right } = element.getBoundingClientRect();
      return left < 0 || right > width + 1;
    });
    const scrolls = [...document.querySelectorAll("html, .card, .log")].filter((box) => box.scrollWidth > box.clientWidth + 1);
    return [...out, ...scrolls].map((element) => `${element.tagName}#${element.id}.${element.className}`);
  });
  expect(tooWide.length === 0, `too wide: ${tooWide.join(", ")}`);
});

await check("a connection closes with its code shown, and can be made again", async () => {
  await page.click("#echo-connect");
  await page.waitForSelector("#echo[data-state=closed]");
  const status = await page.textContent("#echo-status");
  expect(status.includes("code 1000"), status);
  await connect("echo");
  await send("echo", "back again");
  const { text } = await line("echo-log", "reply", 3);
  expect(text === "back again", text);
  return status;
});

await check("the browser has nothing to complain about", async () => {
  expect(complaints.length === 0, complaints.join("\n"));
});

await finish();
