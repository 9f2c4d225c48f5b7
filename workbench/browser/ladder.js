// A flow as a ladder: a column per party, an arrow per message. Only the rows in view are elements, so that 10,000 messages stay smooth.

import { h, everyFrame } from "./elements.js";

const RUNG = 36;
const BEYOND = 6;

const mentions = (text, wanted) => !wanted || text.toLowerCase().includes(wanted);

/** Messages between lanes in `place`. `select(message)` is called when a row is picked, by click or by keys. */
export class Ladder {
  #all = new Map();
  #shown = [];
  #wanted = {};
  #until = null;
  #marked = null;
  #following = false;
  #lanes = [];
  #start = null;

  constructor(place, { select = () => {} } = {}) {
    this.select = select;
    this.lead = h("div", { class: "wb-rungs-lead", "aria-hidden": "true" });
    this.rails = h("div", { class: "wb-rails", "aria-hidden": "true" });
    this.space = h("div", { class: "wb-rungs-space" }, this.rails);
    this.root = h("div", { class: "wb-rungs", tabindex: "0", role: "listbox", "aria-label": "Messages" }, this.lead, this.space);
    place.append(this.root);
    this.draw = everyFrame(() => this.#draw());
    this.sift = everyFrame(() => this.#sift());
    this.root.addEventListener("scroll", this.draw);
    this.root.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(this.draw).observe(this.root);
  }

  /** The columns, left to right: `{name, note}`. */
  lanes(lanes) {
    this.#lanes = lanes.map(({ name }) => name);
    this.lead.replaceChildren(...lanes.map(({ name, note }) => h("div", { class: "wb-lane" }, h("strong", {}, name), note ? h("span", {}, note) : null)));
    this.rails.replaceChildren(...lanes.map(() => h("span", { class: "wb-rail" })));
    this.root.style.setProperty("--wb-lanes", lanes.length);
    this.draw();
  }

  /** New or changed messages, in any order. */
  put(messages) {
    for (const message of messages) this.#all.set(message.key, message);
    this.sift();
  }

  /** Forget all messages. */
  clear() {
    this.#all.clear();
    this.#marked = null;
    this.#sift();
  }

  /** Mark one message and bring it into view; null marks none. */
  mark(key) {
    this.#marked = key;
    this.#sift();
    const at = this.#shown.findIndex((message) => message.key === key);
    if (at >= 0) this.#reveal(at);
    this.draw();
  }

  /** Show only what fits: `text` anywhere, `leg`, `kind`, `flow`; what is empty is not asked. */
  filter({ text = "", leg = "", kind = "", flow = "" } = {}) {
    this.#wanted = { text: text.trim().toLowerCase(), leg, kind, flow };
    this.#sift();
  }

  /** Keep the newest message in view. */
  follow(on) {
    this.#following = on;
    this.draw();
  }

  /** Show messages up to this place; null shows all. */
  until(place) {
    this.#until = place;
    this.#sift();
  }

  /** How many messages there are, and how many are shown. */
  get counts() {
    return { all: this.#all.size, shown: this.#shown.length };
  }

  #fits(message) {
    const { text, leg, kind, flow } = this.#wanted;
    if (this.#until !== null && message.place > this.#until) return false;
    if ((leg && message.leg !== leg) || (kind && message.kind !== kind) || (flow && message.flow !== flow)) return false;
    return mentions(`${message.label} ${message.name} ${message.source} ${message.target} ${message.note} ${message.cause || ""}`, text);
  }

  #sift() {
    const found = [...this.#all.values()].filter((message) => this.#fits(message));
    found.sort((one, other) => one.place - other.place || (one.key < other.key ? -1 : 1));
    this.#shown = found;
    this.#start = null;
    for (const { at } of this.#all.values()) if (at !== null && (this.#start === null || at < this.#start)) this.#start = at;
    this.space.style.height = `${found.length * RUNG + 8}px`;
    if (this.#following) this.root.scrollTop = this.root.scrollHeight;
    this.#draw();
  }

  #reveal(at) {
    const top = at * RUNG, view = this.root.clientHeight - this.lead.offsetHeight;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + RUNG > this.root.scrollTop + view) this.root.scrollTop = top + RUNG - view + 4;
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.root.scrollTop / RUNG) - BEYOND);
    const last = Math.min(this.#shown.length, Math.ceil((this.root.scrollTop + (this.root.clientHeight || 400)) / RUNG) + BEYOND);
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this.#row(this.#shown[at], at));
    this.space.replaceChildren(this.rails, ...rows);
    const active = rows.find((row) => row.dataset.key === this.#marked);
    if (active) this.root.setAttribute("aria-activedescendant", active.id);
    else this.root.removeAttribute("aria-activedescendant");
  }

  #row(message, at) {
    const count = Math.max(1, this.#lanes.length);
    const middle = (lane) => ((Math.max(0, this.#lanes.indexOf(lane)) + 0.5) / count) * 100;
    const from = middle(message.source), to = middle(message.target);
    const time = message.at === null || this.#start === null ? "" : `+${(message.at - this.#start).toFixed(3)}`;
    const loop = from === to;
    const way = loop ? "wb-loop" : to > from ? "wb-right" : "wb-left";
    const line = h("span", { class: `wb-arrow ${way}` });
    line.style.left = `${Math.min(from, to)}%`;
    if (!loop) line.style.width = `${Math.abs(to - from)}%`;
    const words = h("span", { class: "wb-said" }, message.label);
    words.style.left = loop ? `calc(${from}% + 30px)` : `${(from + to) / 2}%`;
    const told = `${message.source} to ${message.target}: ${message.label}, ${message.kind}${time ? `, at ${time} seconds` : ""}`;
    const row = h(
      "div",
      { class: `wb-rung wb-is-${message.kind} ${way}`, id: `rung-${message.key}`, "data-key": message.key, role: "option", "aria-label": told, title: message.note || message.label,
        "aria-selected": message.key === this.#marked ? "true" : "false", "aria-setsize": this.#shown.length, "aria-posinset": at + 1 },
      h("span", { class: "wb-rung-time" }, time),
      h("span", { class: "wb-rung-lanes" }, words, line),
    );
    row.style.top = `${at * RUNG}px`;
    row.addEventListener("click", () => this.select(message));
    return row;
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || !this.#shown.length) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.#shown.findIndex((message) => message.key === this.#marked);
    const next = Math.min(this.#shown.length - 1, Math.max(0, at < 0 && step === 1 ? 0 : at + step));
    const message = this.#shown[next];
    this.mark(message.key);
    this.select(message);
  }
}
