// Flows as ladders, live: a row opens to what was sent, and the other panels show the same moment.

import { h, frame, button, everyFrame, follow, actions } from "./common.js";
import { copied } from "./clipboard.js";
import { Deltas, send } from "./deltas.js";
import { detailsOf } from "./details.js";
import { Ladder } from "./ladder.js";
import { select, onSelect, ownId } from "./selection.js";

const NEWEST = "newest flow", EVERY = "all flows";
const KINDS = ["request", "answer", "webhook", "reply", "error", "sip", "media", "device"];
const CLOCKS = { start: "+ since start", before: "+ since the one before", day: "time of day" };
const MIDDLE = "Programmable Voice";

/** The lanes of several flows: all phones, then what every flow has, then all browsers. */
function lanesOf(flows) {
  const found = new Map(), phones = [], rest = [];
  for (const lanes of flows) {
    const at = lanes.findIndex(({ name }) => name === MIDDLE);
    lanes.forEach((lane, index) => {
      if (!found.has(lane.name)) (index < at ? phones : rest).push(lane.name);
      found.set(lane.name, lane);
    });
  }
  return [...phones, ...rest].map((name) => found.get(name));
}

const options = (node, values, chosen) => {
  const wanted = values.map(([value, label]) => `${value}\n${label}`).join("\n");
  if (node.dataset.told !== wanted) node.replaceChildren(...values.map(([value, label]) => h("option", { value }, label)));
  node.dataset.told = wanted;
  node.value = values.some(([value]) => value === chosen) ? chosen : values[0][0];
};

export default () => {
  const messages = new Map();
  const listeners = new Set();
  return {
    initialize({ model }) {
      new Deltas(model, (row) => row.key, (rows) => {
        for (const row of rows) messages.set(row.key, row);
        listeners.forEach((listener) => listener(rows));
      });
    },
    render({ model, el, signal }) {
      const view = new LadderView(model, el, [...messages.values()]);
      const listen = (rows) => view.take(rows);
      listeners.add(listen);
      const stop = () => {
        listeners.delete(listen);
        view.stop();
      };
      signal?.addEventListener("abort", stop);
      return stop;
    },
  };
};

class LadderView {
  constructor(model, el, messages) {
    this.model = model;
    this.id = ownId();
    this.box = frame(el, model);
    this.ask = actions(model, this.box);
    this.lanes = {};
    this.legs = new Set();
    this.selected = null;
    this.build();
    this.count = everyFrame(() => this.summary());
    this.take(messages);
    follow(model, this.box, (view) => this.draw(view));
    this.picks = onSelect(model.get("bench"), this.id, (picked) => this.mark(picked));
    this.heard = (message) => {
      if (message.detail) this.show(message.detail);
      if (message.hand?.file) this.hand(message.hand.file);
      const { rule } = message;
      if (rule && this.selected?.key === rule.key) this.show(own(this.selected, rule));
    };
    model.on("msg:custom", this.heard);
  }

  build() {
    const field = (name, label, change) => h("select", { class: "wb-field", "aria-label": label, "data-key": name, onchange: change });
    this.flow = field("flow", "Flow", () => this.choose());
    options(this.flow, [[NEWEST, NEWEST], [EVERY, EVERY]], this.model.get("chosen") || NEWEST);
    this.text = h("input", { class: "wb-field wb-sift", type: "search", placeholder: "Filter…", "aria-label": "Filter messages", oninput: () => this.filter() });
    this.leg = field("leg", "Leg", () => this.filter());
    this.kind = field("kind", "Kind", () => this.filter());
    options(this.kind, [["", "all kinds"], ...KINDS.map((kind) => [kind, kind])], "");
    this.bad = button("Refused and failed", () => this.press(this.bad, this.filter), { "aria-pressed": "false" });
    this.time = field("time", "Times", () => this.ladder.clock(this.time.value));
    options(this.time, Object.entries(CLOCKS), "start");
    this.follows = button("Follow", () => this.following(this.follows.getAttribute("aria-pressed") !== "true"), { "aria-pressed": "true" });
    const out = (label, form) => {
      const node = button(label, () => this.ask(node, "export", { flow: this.current(), form }), { title: form === "svg" ? "Save as an SVG file" : "Copy as a Mermaid diagram" });
      return node;
    };
    this.box.tools.append(out("SVG", "svg"), out("Mermaid", "mermaid"), this.follows);
    const left = h("div", { class: "wb-left" });
    this.ladder = new Ladder(left, {
      select: (message) => this.pick(message),
      typed: (key) => this.type(key),
      followed: (on) => this.follows.setAttribute("aria-pressed", String(on)),
    });
    this.ladder.follow(true);
    this.empty = h("p", { class: "wb-empty" }, "No messages yet. They appear here as they happen.");
    left.append(this.empty);
    this.detail = h("aside", { class: "wb-detail", "aria-label": "Details of the message", hidden: true });
    const bar = h("div", { class: "wb-bar" }, this.flow, this.text, this.leg, this.kind, this.bad, this.time);
    this.box.body.append(bar, h("div", { class: "wb-split" }, left, this.detail));
    this.text.addEventListener("keydown", (event) => (event.key === "Escape" || event.key === "ArrowDown") && this.ladder.root.focus());
    this.detail.addEventListener("keydown", (event) => event.key === "Escape" && this.shut());
  }

  take(rows) {
    for (const { leg } of rows) if (leg) this.legs.add(leg);
    options(this.leg, [["", "all legs"], ...[...this.legs].sort().map((leg) => [leg, leg])], this.leg.value);
    this.ladder.put(rows);
    this.count();
  }

  draw({ lanes = {}, picked = null }) {
    this.lanes = lanes;
    const flows = Object.keys(lanes);
    options(this.flow, [[NEWEST, NEWEST], [EVERY, EVERY], ...flows.map((flow) => [flow, flow])], this.flow.value === NEWEST && !this.drawn ? this.model.get("chosen") || NEWEST : this.flow.value);
    this.drawn = this.drawn || flows.length > 0;
    this.arrange();
    if (picked && picked.n !== this.told) {
      this.told = picked.n;
      requestAnimationFrame(() => this.mark(picked));
    }
  }

  /** The flow that is shown; "" are all. */
  current() {
    const flows = Object.keys(this.lanes);
    return this.flow.value === NEWEST ? flows[flows.length - 1] || "" : this.flow.value === EVERY ? "" : this.flow.value;
  }

  arrange() {
    const flow = this.current();
    const lanes = flow ? this.lanes[flow] || [] : lanesOf(Object.values(this.lanes));
    const told = JSON.stringify([flow, lanes]);
    if (told === this.arranged) return;
    this.arranged = told;
    this.ladder.lanes(lanes);
    this.filter();
  }

  choose() {
    this.shut();
    this.arrange();
  }

  filter() {
    const bad = this.bad.getAttribute("aria-pressed") === "true";
    this.ladder.filter({ flow: this.current(), text: this.text.value, leg: this.leg.value, kind: this.kind.value, bad });
    this.count();
  }

  press(node, done) {
    node.setAttribute("aria-pressed", String(node.getAttribute("aria-pressed") !== "true"));
    done.call(this);
  }

  following(on) {
    this.follows.setAttribute("aria-pressed", String(on));
    this.ladder.follow(on);
  }

  summary() {
    const { all, shown } = this.ladder.counts;
    const words = `${shown.toLocaleString("en")} ${shown === 1 ? "message" : "messages"}`;
    this.box.count.textContent = `${this.current() ? `${this.current()} · ` : ""}${words}${shown < all ? ` of ${all.toLocaleString("en")}` : ""}`;
    this.empty.hidden = shown > 0;
    this.empty.textContent = all ? "No message fits the filter." : "No messages yet. They appear here as they happen.";
  }

  type(key) {
    this.text.focus();
    this.text.value += key;
    this.filter();
  }

  /** A row of this ladder: its details here, the others show the same. */
  pick(message) {
    const { key = null, event = null, leg = null, place = null, at = null } = message || {};
    select({ bench: this.model.get("bench"), from: this.id, key, event, leg, place, at });
    clearTimeout(this.patience);
    this.selected = message;
    this.detail.hidden = !message;
    if (!message) return;
    this.following(false);
    this.show(own(message));
    if (event === null) {
      if (message.rule) send(this.model, { rule: message.rule, key });
      return;
    }
    this.patience = setTimeout(() => this.box.say("The kernel is busy: the details come when the running cell has ended.", "info"), 1000);
    send(this.model, { detail: event });
  }

  /** What was picked elsewhere. */
  mark({ key, event, leg, place }) {
    this.detail.hidden = true;
    this.selected = null;
    const message = this.ladder.message(key) || (event === null ? null : this.ladder.message(`e${event}`));
    if (!message) {
      this.ladder.markLeg(key === null && place === null ? leg : null);
      return;
    }
    this.following(false);
    if (this.current() && message.flow !== this.current()) {
      this.flow.value = message.flow;
      this.arrange();
    }
    this.ladder.mark(message.key);
  }

  show(detail) {
    if (!this.selected || (detail.id ?? null) !== this.selected.event) return;
    clearTimeout(this.patience);
    if (detail.id !== null) this.box.say("");
    this.detail.replaceChildren(...detailsOf(detail, () => this.shut()).childNodes);
  }

  shut() {
    if (!this.selected) return;
    this.pick(null);
    this.ladder.mark(null);
    this.ladder.root.focus();
  }

  hand({ name, text, way }) {
    if (way === "copy") {
      copied(text).then((done) => (done ? this.box.say("Copied.") : this.box.say("This browser does not let a page copy here.", "error")));
      return;
    }
    const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  stop() {
    this.picks();
    this.ladder.close();
    clearTimeout(this.patience);
    this.model.off("msg:custom", this.heard);
  }
}

/** What a message tells by itself. */
function own({ label, source, target, note, kind, truth, rule, event }, said = null) {
  const parts = [{ head: `${source} → ${target} · ${kind}`, kind: "text", text: [label, note].filter(Boolean).join("\n") }];
  if (rule) parts.push({ head: "Rule of the local platform", kind: "text", text: said ? `${said.text}.\n${rule}, ${said.label}, ${said.source}` : `${rule}${truth ? ` (${truth})` : ""}` });
  return { id: event, title: label, parts };
}
