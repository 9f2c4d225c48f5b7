// A flow as a ladder: a column per party, an arrow per message. Only the rows in view are elements, so that 10,000 messages stay smooth.

import { h, icon, everyFrame } from "./elements.js";

const RUNG = 36;
const BEYOND = 6;
// About what a letter of a label takes.
const LETTER = 6.3;
const LEGS = 6;

const earlier = (one, other) => one.place - other.place || (one.key < other.key ? -1 : 1);
let ladders = 0;

/** Messages between lanes in `place`. `select(message)` is called when a row is picked, by click or by keys, or with null when it is given
 * back (Escape); `typed(key)` when somebody begins to type, `followed(on)` when scrolling ends following or begins it again. */
export class Ladder {
  #all = new Map();
  // All in order; how many of these have been sifted; what is known of the flow that is shown; whether the order has to be made anew.
  #order = [];
  #sifted = 0;
  #ofFlow = 0;
  #stale = false;
  #words = new WeakMap();
  #id = `rungs-${(ladders += 1)}`;
  #shown = [];
  #wanted = {};
  #until = null;
  #marked = null;
  #leg = null;
  #following = false;
  #lanes = [];
  #start = null;
  #clock = "start";
  #nodes = new Map();
  #legs = new Map();
  #top = 0;
  #width = 0;

  constructor(place, { select = () => {}, typed = null, followed = null } = {}) {
    Object.assign(this, { select, typed, followed });
    this.lead = h("div", { class: "wb-rungs-lead", "aria-hidden": "true" });
    this.rails = h("div", { class: "wb-rails", "aria-hidden": "true" });
    this.space = h("div", { class: "wb-rungs-space" }, this.rails);
    this.root = h("div", { class: "wb-rungs", tabindex: "0", role: "listbox", "aria-label": "Messages" }, this.lead, this.space);
    place.append(this.root);
    this.draw = everyFrame(() => this.#draw());
    this.sift = everyFrame(() => this.#sift());
    this.root.addEventListener("scroll", () => this.#scrolled());
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.space.addEventListener("click", (event) => this.#click(event.target.closest(".wb-rung")));
    this.watch = new ResizeObserver(() => this.#resized());
    this.watch.observe(this.root);
  }

  /** The columns, left to right: `{name, note}`. */
  lanes(lanes) {
    this.#lanes = lanes.map(({ name }) => name);
    this.lead.replaceChildren(...lanes.map(({ name, note }) => h("div", { class: "wb-lane" }, h("strong", {}, name), note ? h("span", {}, note) : null)));
    this.rails.replaceChildren(...lanes.map(() => h("span", { class: "wb-rail" })));
    this.root.style.setProperty("--wb-lanes", lanes.length);
    this.#forget();
  }

  /** New or changed messages, in any order. */
  put(messages) {
    for (const message of messages) {
      const last = this.#order[this.#order.length - 1];
      // Almost all come in order, and only once.
      if (this.#all.has(message.key) || (last && earlier(message, last) < 0)) this.#stale = true;
      else this.#order.push(message);
      this.#all.set(message.key, message);
    }
    this.sift();
  }

  /** Forget all messages. */
  clear() {
    this.#all.clear();
    this.#marked = null;
    this.#stale = true;
    this.#sift();
  }

  /** Mark one message and bring it into view; null marks none. */
  mark(key) {
    this.#marked = key;
    this.#leg = null;
    const at = key === null ? -1 : this.#shown.findIndex((message) => message.key === key);
    if (at >= 0) this.#reveal(at);
    this.#draw();
  }

  /** Mark all messages of a leg; null marks none. */
  markLeg(leg) {
    this.#marked = null;
    this.#leg = leg;
    this.#draw();
  }

  /** A message by its key. */
  message(key) {
    return this.#all.get(key);
  }

  /** Show only what fits: `text` anywhere, `leg`, `kind`, `flow`, `bad` (refused or failed); what is empty is not asked. */
  filter({ text = "", leg = "", kind = "", flow = "", bad = false } = {}) {
    this.#wanted = { text: text.trim().toLowerCase(), leg, kind, flow, bad };
    this.#sifted = 0;
    this.#sift();
    const at = this.#shown.findIndex((message) => message.key === this.#marked);
    if (at >= 0) {
      this.#reveal(at);
      this.#draw();
    }
  }

  /** What the times count: seconds since the "start", since the message "before", or the time of "day". */
  clock(kind) {
    this.#clock = kind;
    this.#forget();
  }

  /** Keep the newest message in view. */
  follow(on) {
    this.#following = on;
    if (on) this.#toEnd();
    this.draw();
  }

  /** Show messages up to this place; null shows all. */
  until(place) {
    this.#until = place;
    this.#sifted = 0;
    this.#sift();
  }

  /** Take it off the page. */
  close() {
    this.watch.disconnect();
    this.root.remove();
  }

  /** How many messages there are, and how many are shown. */
  get counts() {
    return { all: this.#ofFlow, shown: this.#shown.length };
  }

  #fits(message) {
    const { text, leg, kind, flow, bad } = this.#wanted;
    if (this.#until !== null && message.place > this.#until) return false;
    if ((leg && message.leg !== leg) || (kind && message.kind !== kind) || (flow && message.flow !== flow)) return false;
    if (bad && message.kind !== "error") return false;
    return !text || this.#mentions(message, text);
  }

  #mentions(message, text) {
    if (!this.#words.has(message)) {
      const { label, name, source, target, leg, note, cause } = message;
      this.#words.set(message, [label, name, source, target, leg, note, cause].filter(Boolean).join(" ").toLowerCase());
    }
    return this.#words.get(message).includes(text);
  }

  /** Only what is new is looked at, unless the order or the filter has changed. */
  #sift() {
    const { flow } = this.#wanted;
    let start = this.#start;
    if (this.#stale) this.#order = [...this.#all.values()].sort(earlier);
    if (this.#stale || this.#sifted === 0) {
      this.#shown = [];
      this.#sifted = this.#ofFlow = 0;
      this.#stale = false;
      start = null;
    }
    for (; this.#sifted < this.#order.length; this.#sifted += 1) {
      const message = this.#order[this.#sifted];
      if (flow && message.flow !== flow) continue;
      this.#ofFlow += 1;
      if (message.at !== null && (start === null || message.at < start)) start = message.at;
      if (this.#fits(message)) this.#shown.push(message);
    }
    if (start !== this.#start) this.#nodes.clear();
    this.#start = start;
    this.space.style.height = `${this.#shown.length * RUNG + 8}px`;
    if (this.#following) this.#toEnd();
    this.#draw();
  }

  #toEnd() {
    this.root.scrollTop = this.root.scrollHeight;
    this.#top = this.root.scrollTop;
  }

  /** Who scrolls up wants to read; who comes back to the end, unless something is marked, wants the news. */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.root;
    const atEnd = scrollHeight - clientHeight - scrollTop < RUNG / 2;
    if (this.followed && this.#following && !atEnd && scrollTop < this.#top) this.#said(false);
    else if (this.followed && !this.#following && atEnd && scrollTop > this.#top && this.#marked === null) this.#said(true);
    this.#top = scrollTop;
    this.draw();
  }

  #said(on) {
    this.#following = on;
    this.followed(on);
  }

  #resized() {
    if (this.space.clientWidth !== this.#width) this.#forget();
    else this.draw();
  }

  #forget() {
    this.#nodes.clear();
    this.draw();
  }

  #reveal(at) {
    const top = at * RUNG, view = this.root.clientHeight - this.lead.offsetHeight;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + RUNG > this.root.scrollTop + view) this.root.scrollTop = top + RUNG - view + 4;
    this.#top = this.root.scrollTop;
  }

  #draw() {
    this.#width = this.space.clientWidth;
    const first = Math.max(0, Math.floor(this.root.scrollTop / RUNG) - BEYOND);
    const last = Math.min(this.#shown.length, Math.ceil((this.root.scrollTop + (this.root.clientHeight || 400)) / RUNG) + BEYOND);
    const kept = new Map();
    for (let at = first; at < last; at += 1) {
      const message = this.#shown[at], before = this.#shown[at - 1];
      const known = this.#nodes.get(message.key);
      const entry = known?.message === message && (this.#clock !== "before" || known.before === before) ? known : { message, before, row: this.#row(message, before) };
      this.#placed(entry.row, message, at);
      kept.set(message.key, entry);
    }
    this.#nodes = kept;
    this.#arrange([...kept.values()].map(({ row }) => row));
    const active = kept.get(this.#marked);
    if (active) this.root.setAttribute("aria-activedescendant", active.row.id);
    else this.root.removeAttribute("aria-activedescendant");
  }

  /** Rows that stay are not touched: a click begun on one ends on it. */
  #arrange(rows) {
    const wanted = new Set(rows);
    for (const node of [...this.space.children]) if (node !== this.rails && !wanted.has(node)) node.remove();
    let node = this.rails.nextElementSibling;
    for (const row of rows) {
      if (row === node) node = node.nextElementSibling;
      else this.space.insertBefore(row, node);
    }
  }

  #placed(row, message, at) {
    row.style.top = `${at * RUNG}px`;
    row.setAttribute("aria-posinset", at + 1);
    row.setAttribute("aria-setsize", this.#shown.length);
    row.setAttribute("aria-selected", message.key === this.#marked ? "true" : "false");
    row.toggleAttribute("data-leg", this.#leg !== null && message.leg === this.#leg);
  }

  #time(message, before) {
    if (message.at === null) return "";
    if (this.#clock === "day") return new Date(message.at * 1000).toLocaleTimeString("en-GB") + `.${String(Math.floor((message.at % 1) * 1000)).padStart(3, "0")}`;
    const since = this.#clock === "before" ? before?.at : this.#start;
    return since === null || since === undefined ? "" : `+${Math.max(0, message.at - since).toFixed(3)}`;
  }

  #hue(leg) {
    if (!leg) return "";
    if (!this.#legs.has(leg)) this.#legs.set(leg, this.#legs.size % LEGS);
    return ` wb-leg-${this.#legs.get(leg)}`;
  }

  #row(message, before) {
    const count = Math.max(1, this.#lanes.length);
    const middle = (lane) => ((Math.max(0, this.#lanes.indexOf(lane)) + 0.5) / count) * 100;
    const from = middle(message.source), to = middle(message.target);
    const time = this.#time(message, before);
    const loop = from === to;
    const way = loop ? "wb-loop" : to > from ? "wb-right" : "wb-left";
    const both = !loop && (message.name === "joined" || message.name === "parted") ? " wb-both" : "";
    const line = h("span", { class: `wb-arrow ${way}${both}` });
    line.style.left = `${Math.min(from, to)}%`;
    if (!loop) line.style.width = `${Math.abs(to - from)}%`;
    const words = h("span", { class: "wb-said" }, message.kind === "error" ? icon("alert") : null, message.label);
    words.style.left = loop ? `calc(${from}% + 30px)` : `${this.#inside((from + to) / 2, message.label)}%`;
    const told = `${message.source} to ${message.target}: ${message.label}, ${message.kind}${time ? `, at ${time}` : ""}${message.truth ? `, ${message.truth}` : ""}`;
    const tip = [`${message.source} → ${message.target}`, `${message.kind}: ${message.label}`, message.note?.slice(0, 300), message.rule && `${message.truth}: ${message.rule}`];
    const truth = message.truth ? h("span", { class: `wb-truth wb-${message.truth}`, "aria-hidden": "true" }, message.truth[0]) : null;
    return h(
      "div",
      { class: `wb-rung wb-is-${message.kind} ${way}${this.#hue(message.leg)}`, id: `${this.#id}-${message.key}`, "data-key": message.key, role: "option", "aria-label": told, title: tip.filter(Boolean).join("\n") },
      h("span", { class: "wb-rung-time" }, time, truth),
      h("span", { class: "wb-rung-lanes" }, words, line),
    );
  }

  /** Where the middle of a label can be, in percent, without leaving the lanes. */
  #inside(percent, label) {
    const width = Math.max(1, this.#width - 86);
    const half = Math.min(50, ((Math.min(label.length, 34) * LETTER) / 2 + 6) / width * 100);
    return Math.min(100 - half, Math.max(half, percent));
  }

  #click(row) {
    const message = row && this.#all.get(row.dataset.key);
    if (message) this.#pick(message);
  }

  #pick(message) {
    this.mark(message.key);
    this.select(message);
  }

  #key(event) {
    if (event.key.length === 1 && event.key !== " " && this.typed && !event.ctrlKey && !event.metaKey && !event.altKey) {
      this.typed(event.key);
      event.preventDefault();
      return;
    }
    if (event.key === "Escape" && this.#marked !== null) {
      this.mark(null);
      this.select(null);
      return;
    }
    const step = { Enter: 0, ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || !this.#shown.length) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.#shown.findIndex((message) => message.key === this.#marked);
    const next = Math.min(this.#shown.length - 1, Math.max(0, at < 0 && step === 1 ? 0 : at + step));
    this.#pick(this.#shown[next]);
  }
}
