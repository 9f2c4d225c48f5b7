import { h, icon, everyFrame, frame, button } from "./common.js";
import { Deltas, send } from "./deltas.js";
import { detailsOf } from "./details.js";
import { select, onSelect, ownId } from "./selection.js";
import { OPEN_SIEVE, sifted, wordsOf, sortHead, SieveBar, taken, takeButton } from "./sieve.js";

// The page keeps every row, but only so many of them as elements.
const SHOWN = 500;
// While the reader chooses: what is seen at once comes first.
const AT_ONCE = 100;
const COLUMNS = ["time", "ms", "event", "leg", "parties", "cause", "answered", "handler", "label"];
const HEADS = { time: "time", ms: "ms", event: "event", leg: "leg", parties: "from → to", cause: "cause", answered: "answered", handler: "handler", label: "label" };

/** An event's name in parts that a narrow column may break between: conferenceMemberJoin at its capitals. */
function words(name) {
  return name.split(/(?=[A-Z])/).flatMap((word) => [word, h("wbr")]);
}

/** All rows of one table, in the order of the platform. */
class Log {
  constructor(model) {
    this.list = [];
    this.items = new Map();
    this.starts = new Map();
    this.listeners = new Set();
    this.deltas = new Deltas(model, (row) => row.id, (rows) => this.take(rows));
  }

  take(rows) {
    const changed = rows.flatMap((row) => [this.place(row), ...this.time(row)]);
    this.listeners.forEach((listener) => listener(changed));
  }

  /** A row with a known id replaces the older one. A new one goes where the platform's numbers put it, or else where its time does. */
  place(row) {
    const known = this.items.get(row.id);
    if (known) {
      known.row = row;
      known.words = wordsOf(known);
      return known;
    }
    const item = { row, words: wordsOf({ row }) };
    this.items.set(row.id, item);
    const later = (other) => (row.seq !== null && other.seq !== null ? other.seq > row.seq : other.at > row.at);
    let at = this.list.length;
    while (at > 0 && later(this.list[at - 1].row)) at -= 1;
    this.list.splice(at, 0, item);
    return item;
  }

  /** Milliseconds count from the first event of the flow, which may be told after others: then those change too. */
  time(row) {
    if (!(this.starts.get(row.flow) <= row.at)) {
      const late = this.starts.has(row.flow);
      this.starts.set(row.flow, row.at);
      return late ? this.list.filter((item) => item.row.flow === row.flow) : [];
    }
    return [];
  }

  /** Since the flow's first event; null for what belongs to no flow. */
  since({ row }) {
    return row.flow === null ? null : Math.round((row.at - this.starts.get(row.flow)) * 1000);
  }

  ms(item) {
    const since = this.since(item);
    return since === null ? "" : `+${since.toLocaleString("en")}`;
  }
}

export default () => {
  let log;
  return {
    initialize({ model }) {
      log = new Log(model);
    },
    render({ model, el, signal }) {
      return new View(model, el, log).start(signal);
    },
  };
};

class View {
  constructor(model, el, log) {
    this.model = model;
    this.log = log;
    this.box = frame(el, model);
    this.follows = true;
    this.end = 0;
    this.nodes = new Map();
    this.fresh = [];
    this.selected = null;
    this.sieve = { ...OPEN_SIEVE };
    this.shown = log.list;
    this.limit = SHOWN;
    this.build();
    this.redraw = everyFrame(() => this.draw());
    this.id = ownId();
    this.picks = onSelect(model.get("bench"), this.id, (detail) => this.mark(detail));
  }

  start(signal) {
    const onRows = (items) => {
      items.forEach((item) => this.nodes.has(item) && this.fill(this.nodes.get(item), item));
      this.fresh.push(...items);
      this.bar.learn(items);
      this.redraw();
    };
    const onMessage = (message) => message.detail && this.show(message.detail);
    this.log.listeners.add(onRows);
    this.model.on("msg:custom", onMessage);
    const onView = () => {
      const { picked, sieve } = this.model.get("view") || {};
      if (sieve && sieve.n !== this.sifted) {
        this.sifted = sieve.n;
        this.sift(Object.fromEntries(Object.keys(OPEN_SIEVE).map((name) => [name, sieve[name]])), false);
      }
      if (!picked || picked.n === this.told) return;
      this.told = picked.n;
      this.mark(picked);
    };
    this.model.on("change:view", onView);
    const stop = () => {
      this.log.listeners.delete(onRows);
      this.picks();
      this.model.off("change:view", onView);
      clearTimeout(this.patience);
      clearTimeout(this.rest);
    };
    signal?.addEventListener("abort", stop);
    this.fresh = [];
    this.bar.learn(this.log.list);
    this.draw();
    onView();
    return stop;
  }

  build() {
    this.followButton = button("Follow", () => this.setFollow(!this.follows), { "aria-pressed": "true" });
    this.earlier = button("Earlier", () => this.page(-SHOWN / 2), { hidden: true });
    this.later = button("Later", () => this.page(SHOWN / 2), { hidden: true });
    const take = (form) => takeButton(form, () => [taken(this.shown, (item) => this.log.since(item), form), this.shown.length], (text, kind) => this.box.say(text, kind));
    this.box.tools.append(this.earlier, this.later, take("CSV"), take("JSON"), this.followButton);
    this.bar = new SieveBar((fields) => this.sift(fields));
    this.heads = COLUMNS.map((name) => sortHead(name, HEADS[name], () => this.sieve, (fields) => this.sift(fields)));
    this.rows = h("div", { role: "rowgroup", class: "wb-rows" });
    this.table = h("div", { role: "table", "aria-label": this.model.get("title"), class: "wb-table" },
      h("div", { role: "rowgroup", class: "wb-heads" }, h("div", { role: "row", class: "wb-row" }, ...this.heads)), this.rows);
    this.scroller = h("div", { class: "wb-scroll" }, this.table);
    this.empty = h("p", { class: "wb-empty" }, "No events yet. They appear here as they happen.");
    this.detail = h("aside", { class: "wb-detail", "aria-label": "Details of the event", hidden: true });
    this.spoken = h("div", { role: "log", "aria-live": "polite", class: "wb-unseen" });
    this.box.body.append(this.bar.node, h("div", { class: "wb-split" }, h("div", { class: "wb-left" }, this.scroller, this.empty), this.detail), this.spoken);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.rows.addEventListener("click", (event) => this.open(event.target.closest("[role=row]")));
    this.rows.addEventListener("keydown", (event) => this.key(event));
    this.box.root.addEventListener("keydown", (event) => event.key === "Escape" && this.shut());
  }

  /** Show other rows, or in another order. The kernel is told, so that a cell can have the same. */
  sift(fields, ours = true) {
    this.sieve = { ...this.sieve, ...fields };
    this.bar.show(this.sieve);
    this.heads.forEach((head) => head.update());
    if (this.sieve.by) this.followed(false);
    else if (ours && !this.selected) this.followed(true);
    this.end = this.sieve.by ? 0 : Infinity;
    this.limit = AT_ONCE;
    this.draw();
    if (this.sieve.by) this.scroller.scrollTop = 0;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.limit = SHOWN;
      this.draw();
    }, 200);
    if (ours) send(this.model, { sieve: this.sieve });
  }

  draw() {
    const list = (this.shown = sifted(this.log.list, this.sieve, (item) => this.log.since(item)));
    if (this.follows) this.end = list.length;
    this.end = Math.max(Math.min(this.end, list.length), Math.min(this.limit, list.length));
    const from = Math.max(0, this.end - this.limit);
    this.arrange(list.slice(from, this.end));
    this.box.count.textContent = this.summary(list.length, from);
    this.empty.hidden = list.length > 0;
    this.empty.textContent = this.log.list.length ? "No event fits the filter." : "No events yet. They appear here as they happen.";
    this.table.hidden = list.length === 0;
    this.table.setAttribute("aria-rowcount", String(list.length));
    this.earlier.hidden = from === 0;
    this.later.hidden = this.end >= list.length;
    if (this.follows) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.speak();
  }

  summary(total, from) {
    const all = this.log.list.length;
    const events = `${total.toLocaleString("en")} ${total < all ? `of ${all.toLocaleString("en")} ` : ""}${all === 1 ? "event" : "events"}`;
    return total > this.end - from ? `${events}, showing ${(from + 1).toLocaleString("en")} to ${this.end.toLocaleString("en")}` : events;
  }

  /** Make the rows on the page those of `items`, touching only what differs. */
  arrange(items) {
    const wanted = new Set(items);
    for (const [item, node] of this.nodes) {
      if (wanted.has(item)) continue;
      node.remove();
      this.nodes.delete(item);
    }
    let node = this.rows.firstElementChild;
    for (const item of items) {
      const own = this.nodes.get(item) || this.make(item);
      if (own === node) node = node.nextElementSibling;
      else this.rows.insertBefore(own, node);
    }
    if (!this.rows.querySelector('[tabindex="0"]')) this.rows.lastElementChild?.setAttribute("tabindex", "0");
  }

  make(item) {
    const node = h("div", { role: "row", class: "wb-row", tabindex: "-1" });
    node.item = item;
    this.fill(node, item);
    this.nodes.set(item, node);
    return node;
  }

  fill(node, item) {
    const { row } = item;
    const cell = (name, ...content) => h("span", { role: "cell", class: `wb-c-${name}` }, ...content);
    const way = row.way === "request" ? "request to the platform" : "webhook from the platform";
    const event = cell("event", icon(row.way === "request" ? "out" : "in"), h("span", { class: "wb-unseen" }, way), h("span", { class: "wb-text" }, ...words(row.event)));
    const one = (name) => h("span", { class: "wb-one" }, name);
    const parties = row.from || row.to ? [one(`${row.from} →`), " ", one(row.to)] : [];
    node.className = `wb-row wb-${row.way}${row.bad ? " wb-bad" : ""}`;
    node.dataset.id = row.id;
    this.sign(item, node);
    node.replaceChildren(
      cell("time", row.time),
      cell("ms", this.log.ms(item)),
      event,
      cell("leg", row.leg),
      cell("parties", ...parties),
      cell("cause", row.cause),
      cell("answered", ...(row.bad ? [icon("alert"), " "] : []), row.answered + (row.again ? " (again)" : "")),
      cell("handler", row.handler === null ? "" : String(row.handler)),
      cell("label", ...(row.label ? [h("span", { class: `wb-badge wb-${row.label}` }, row.label)] : [])),
    );
  }

  /** A screen reader hears the newest event, not two hundred a second. */
  speak() {
    const fresh = this.fresh.splice(0);
    if (!fresh.length || this.quiet) return;
    const { event, leg, cause } = fresh[fresh.length - 1].row;
    this.spoken.textContent = [fresh.length > 1 ? `${fresh.length} events, last` : "", event, leg, cause].filter(Boolean).join(" ");
    this.quiet = setTimeout(() => (this.quiet = null), 1000);
  }

  setFollow(on) {
    this.followed(on);
    if (on) this.draw();
  }

  followed(on) {
    this.follows = on;
    this.followButton.setAttribute("aria-pressed", String(on));
  }

  page(by) {
    this.setFollow(false);
    this.end = Math.max(SHOWN, this.end + by);
    this.draw();
    if (by < 0) this.scroller.scrollTop = 0;
    this.setFollow(this.end >= this.shown.length && by > 0 && !this.sieve.by);
  }

  scrolled() {
    const rest = this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
    if (this.end < this.shown.length && this.follows) return;
    const atEnd = rest < 24 && this.end >= this.shown.length && !this.sieve.by;
    if (atEnd !== this.follows && !(this.selected && atEnd)) this.followed(atEnd);
  }

  key(event) {
    const row = event.target.closest("[role=row]");
    if (!row) return;
    const moves = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Home: this.rows.firstElementChild, End: this.rows.lastElementChild };
    if (event.key in moves) this.focus(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open(row);
    else return;
    event.preventDefault();
  }

  focus(row) {
    if (!row) return;
    this.rows.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    row.setAttribute("tabindex", "0");
    row.focus();
  }

  open(row) {
    if (!row) return;
    this.focus(row);
    this.rows.querySelector("[aria-current]")?.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    this.selected = row.item;
    this.setFollow(false);
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.box.say("The kernel is busy: the details come when the running cell has ended.", "info"), 1000);
    send(this.model, { detail: row.item.row.id });
    const { id, leg, seq, at } = row.item.row;
    this.tell({ key: `e${id}`, event: id, leg: leg || null, place: seq, at });
  }

  tell(picked) {
    select({ bench: this.model.get("bench"), from: this.id, ...picked });
  }

  /** What was picked elsewhere: an event's row, or all rows of a leg. */
  mark({ event, leg, key }) {
    this.detail.hidden = true;
    this.selected = this.log.items.get(event) || null;
    this.leg = key || event ? null : leg;
    this.setFollow(!this.selected && this.follows);
    if (this.selected) {
      const at = this.shown.indexOf(this.selected);
      if (at >= 0 && (at < this.end - SHOWN || at >= this.end)) this.end = at + SHOWN / 2;
    }
    this.draw();
    for (const [item, node] of this.nodes) this.sign(item, node);
    const node = this.nodes.get(this.selected);
    if (node) this.scroller.scrollTop = node.offsetTop - this.scroller.clientHeight / 2;
  }

  sign(item, node) {
    node.toggleAttribute("data-leg", Boolean(this.leg) && item.row.leg === this.leg);
    if (item === this.selected) node.setAttribute("aria-current", "true");
    else node.removeAttribute("aria-current");
  }

  show(detail) {
    if (this.selected?.row.id !== detail.id) return;
    clearTimeout(this.patience);
    this.box.say("");
    this.detail.replaceChildren(...detailsOf(detail, () => this.shut()).childNodes);
    this.detail.hidden = false;
  }

  shut() {
    if (!this.selected) return;
    const node = this.nodes.get(this.selected);
    node?.removeAttribute("aria-current");
    this.selected = null;
    this.detail.hidden = true;
    this.tell({});
    node?.focus();
  }
}
