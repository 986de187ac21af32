// The demo page: one card for each sample plugin, each with its own WebSocket.
// What the server sends is shown as text and never as markup; the card knows only how its plugin's replies look.

// Which of a plugin's messages answer one of ours. Holdline answers a connection's messages strictly in order,
// so a reply always belongs to the oldest message that has none yet.
const isReply = {
  echo: () => true,
  mirror: (text) => isMirrored(text),
  ticker: (text) => !isTick(text),
};

function isTick(text) {
  return text.startsWith("tick");
}

function isMirrored(text) {
  try {
    return "mirrored" in JSON.parse(text);
  } catch {
    return false; // The greeting, for one, is plain text.
  }
}

// Enough to scroll back through; without an end the ticker would fill the memory of a forgotten tab.
const LONGEST_LOG = 200;
// A longer text is cut in the log, so that one message cannot bury the others.
const LONGEST_TEXT = 2000;
// More bars than this are no longer readable.
const MOST_BARS = 6;
// Two held messages fit on the timeline without it having to change its scale.
const SHORTEST_SPAN = 2300;

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const milliseconds = (duration) => `${Math.round(duration)} ms`;

// A list of messages that keeps its newest line in sight, unless the reader has scrolled back.
class Log {
  constructor(list) {
    this.list = list;
  }

  add(kind, who, text, delay) {
    const line = element("li");
    line.dataset.kind = kind;
    const now = new Date();
    const time = element("time", "", clock.format(now));
    time.dateTime = now.toISOString();
    line.append(element("span", "who", who), time);
    if (delay !== undefined) {
      line.dataset.delay = Math.round(delay);
      line.append(element("span", "delay", `after ${milliseconds(delay)}`));
    }
    const rest = text.length - LONGEST_TEXT;
    line.append(element("span", "text", rest > 0 ? `${text.slice(0, LONGEST_TEXT)}… and ${rest} characters` : text));

    const { list } = this;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
    list.append(line);
    if (list.children.length > LONGEST_LOG) list.firstElementChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }
}

// One bar for each message: how long it waited its turn, how long it was held, when it was answered.
// A new round begins with the first message that is sent while nothing is held.
class Timeline {
  constructor(figure) {
    this.list = figure.querySelector("[data-part=rows]");
    this.bars = [];
    this.stillMotion = matchMedia("(prefers-reduced-motion: reduce)");
  }

  sent(text, at) {
    const waitsFor = this.bars.some((bar) => bar.end === undefined);
    if (!waitsFor) {
      this.bars = [];
      this.list.replaceChildren();
      this.start = at;
    }
    const row = element("li");
    const track = element("span", "track");
    const bar = {
      row, sentAt: at, heldAt: waitsFor ? undefined : at, end: undefined,
      waiting: element("span", "waiting"), held: element("span", "held"), answered: element("span", "answered"),
      figures: element("span", "figures"),
    };
    track.append(bar.waiting, bar.held, bar.answered);
    row.append(element("span", "text", text), bar.figures, track);
    this.bars.push(bar);
    this.list.append(row);
    if (this.list.children.length > MOST_BARS) this.list.firstElementChild.remove();
    this.draw();
  }

  // The oldest open message has its answer; from this moment the next one is held.
  answered(at) {
    const [bar, next] = this.bars.filter((bar) => bar.end === undefined);
    if (!bar) return;
    bar.end = at;
    bar.row.dataset.state = "answered";
    if (next) next.heldAt = at;
    this.draw();
  }

  // The connection is gone: what is open stays without an answer.
  abandoned(at) {
    for (const bar of this.bars.filter((bar) => bar.end === undefined)) {
      bar.end = at;
      bar.row.dataset.state = "unanswered";
    }
    this.draw();
  }

  draw() {
    const now = performance.now();
    const open = this.bars.some((bar) => bar.end === undefined);
    const last = open ? now : Math.max(this.start, ...this.bars.map((bar) => bar.end));
    const span = Math.max(SHORTEST_SPAN, (last - this.start) * 1.08);
    const percent = (duration) => `${(100 * duration) / span}%`;
    const place = (piece, from, to) => {
      piece.style.left = percent(from - this.start);
      piece.style.width = percent(to - from);
    };

    this.list.style.setProperty("--second", percent(1000));
    for (const bar of this.bars) {
      const end = bar.end ?? now;
      const heldAt = bar.heldAt ?? end;
      place(bar.waiting, bar.sentAt, heldAt);
      place(bar.held, heldAt, end);
      bar.answered.style.left = percent(end - this.start);
      if (bar.end === undefined) bar.row.dataset.state = bar.heldAt === undefined ? "waiting" : "held";
      bar.figures.textContent = figures(bar, heldAt, end);
    }

    cancelAnimationFrame(this.frame);
    if (open && !this.stillMotion.matches) this.frame = requestAnimationFrame(() => this.draw());
  }
}

function figures(bar, heldAt, end) {
  if (bar.row.dataset.state === "waiting") return "sent, waits its turn";
  if (bar.row.dataset.state === "held") return "held";
  if (bar.row.dataset.state === "unanswered") return "never answered";
  const waited = heldAt > bar.sentAt ? `waited ${milliseconds(heldAt - bar.sentAt)}, ` : "";
  return `${waited}held ${milliseconds(end - heldAt)}`;
}

class Card {
  constructor(article) {
    this.article = article;
    this.isReply = isReply[article.id];
    this.unanswered = []; // When each message without a reply was sent, oldest first.
    this.log = new Log(this.part("log"));
    this.ticks = this.part("ticks") && new Log(this.part("ticks"));
    this.timeline = this.part("timeline") && new Timeline(this.part("timeline"));

    this.part("connect").addEventListener("click", () => (this.socket ? this.disconnect() : this.connect()));
    this.part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = this.part("input");
      this.send(input.value);
      input.select();
    });
    this.part("send-two")?.addEventListener("click", () => {
      this.send("first");
      this.send("second");
    });
  }

  part(name) {
    return this.article.querySelector(`[data-part=${name}]`);
  }

  connect() {
    const url = new URL(this.article.dataset.path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer"; // Its length is known at once, and that is all that is shown.
    this.socket.addEventListener("open", () => this.show("open", "Connected", "Disconnect"));
    this.socket.addEventListener("message", (event) => this.receive(event.data));
    this.socket.addEventListener("close", (event) => this.closed(event));
    this.show("connecting", "Connecting…", "Disconnect");
  }

  disconnect() {
    this.show("closing", "Closing…", "Disconnect");
    this.socket.close(1000);
  }

  send(text) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const now = performance.now();
    this.socket.send(text);
    this.unanswered.push(now);
    this.log.add("sent", "You", text);
    this.timeline?.sent(text, now);
  }

  receive(data) {
    const now = performance.now();
    const text = typeof data === "string" ? data : `(${data.byteLength} bytes)`;
    if (this.ticks && isTick(text)) {
      this.ticks.add("tick", "Server", text);
    } else if (this.unanswered.length > 0 && this.isReply(text)) {
      this.log.add("reply", "Reply", text, now - this.unanswered.shift());
      this.timeline?.answered(now);
    } else {
      this.log.add("unasked", "Server", text);
    }
  }

  closed({ code, reason }) {
    this.socket = undefined;
    this.unanswered = [];
    this.timeline?.abandoned(performance.now());
    // 1006 never comes over the wire: with it the browser says that there was no goodbye at all.
    const why = reason || (code === 1006 ? "no answer, or the line broke" : "no reason given");
    const text = `Closed with code ${code}: ${why}`;
    this.article.dataset.code = code;
    this.log.add("closed", "Connection", text);
    this.show("closed", text, "Connect again");
  }

  show(state, status, button) {
    this.article.dataset.state = state;
    this.part("status").textContent = status;
    this.part("connect").textContent = button;
    this.part("connect").disabled = state === "closing";
    for (const name of ["send", "send-two"]) {
      const part = this.part(name);
      if (part) part.disabled = state !== "open";
    }
  }
}

for (const article of document.querySelectorAll(".card")) new Card(article);
