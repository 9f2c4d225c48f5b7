// Which rows of the event table are shown, and in which order (as `widgets/sieve.py` has it), the bar to choose them, and ways to take them.

import { h, button } from "./elements.js";
import { copied } from "./clipboard.js";

/** Lets everything through. */
export const OPEN_SIEVE = { text: "", leg: "", event: "", cause: "", kind: "", since: "", until: "", by: "", down: false };
// Whoever has more names than this looks by text.
const OFFERED = 60;
const SIEVE_KINDS = [["", "all kinds"], ["webhook", "webhooks"], ["request", "requests"], ["failed", "failed"]];
const TAKEN = ["time", "ms", "event", "leg", "from", "to", "cause", "answered", "handler", "label", "way", "flow"];
const MOMENT = /^\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** All that can be read in a row; told once, since it is searched at every key. */
export const wordsOf = ({ row }) => [row.time, row.event, row.leg, row.from, row.to, row.cause, row.answered, row.label, row.flow].map((one) => one || "").join(" ").toLowerCase();

/** The items that are shown, in their order. `ms(item)` is the number in its column. */
export function sifted(items, sieve, ms) {
  const text = sieve.text.toLowerCase();
  const fits = (item) => {
    const { row } = item;
    if ((sieve.leg && row.leg !== sieve.leg) || (sieve.event && row.event !== sieve.event) || (sieve.cause && row.cause !== sieve.cause)) return false;
    if (sieve.kind && !(sieve.kind === "failed" ? row.bad : row.way === sieve.kind)) return false;
    if ((sieve.since && row.time < sieve.since) || (sieve.until && row.time.slice(0, sieve.until.length) > sieve.until)) return false;
    return !text || item.words.includes(text);
  };
  const open = !(text || sieve.leg || sieve.event || sieve.cause || sieve.kind || sieve.since || sieve.until);
  const found = open ? items : items.filter(fits);
  return sieve.by ? inOrder(found, sieve, ms) : found;
}

/** "phone 2" comes before "phone 10", in the page as in a cell. */
const natural = (value) => (typeof value === "string" ? value.toLowerCase().replace(/[0-9]+/g, (digits) => digits.padStart(20, "0")) : value);

function inOrder(items, { by, down }, ms) {
  const value = (item) => (by === "ms" ? ms(item) : by === "time" ? item.row.at : by === "parties" ? `${item.row.from} ${item.row.to}`.trim() : item.row[by]);
  const keyed = items.map((item) => [natural(value(item)), item]);
  const empty = ([one]) => one === "" || one === null;
  const compare = ([one], [other]) => (one === other ? 0 : one < other ? -1 : 1) * (down ? -1 : 1);
  return [...keyed.filter((one) => !empty(one)).sort(compare), ...keyed.filter(empty)].map(([, item]) => item);
}

/** A head that sorts: up, down, and back to the platform's order. */
export function sortHead(name, label, sieve, change) {
  const mine = () => sieve().by === name;
  const press = () => change(!mine() ? { by: name, down: false } : sieve().down ? { by: "", down: false } : { by: name, down: true });
  const node = h("span", { role: "columnheader", class: `wb-c-${name}` }, h("button", { type: "button", class: "wb-sort", onclick: press }, label));
  node.update = () => {
    node.setAttribute("aria-sort", !mine() ? "none" : sieve().down ? "descending" : "ascending");
    node.firstElementChild.title = mine() && sieve().down ? "Back to the platform's order" : `Sort by ${label}`;
  };
  node.update();
  return node;
}

/** The bar: fields by which rows are chosen. `change(fields)` is told what the reader has changed. */
export class SieveBar {
  constructor(change) {
    const given = (name) => (event) => change({ [name]: event.target.value });
    const choose = (name, label) => h("select", { class: "wb-input wb-field", "aria-label": label, "data-sieve": name, onchange: given(name) });
    const moment = (name) => ({ target }) => {
      const wrong = target.value !== "" && !MOMENT.test(target.value);
      target.setAttribute("aria-invalid", String(wrong));
      if (!wrong) change({ [name]: target.value });
    };
    const time = (name, label, hint) => h("input", { class: "wb-input wb-field wb-moment", placeholder: hint, "aria-label": label, title: `${label}, such as 12:00:01`, "data-sieve": name, oninput: moment(name) });
    this.fields = {
      text: h("input", { class: "wb-input wb-field wb-sift", type: "search", placeholder: "Filter…", "aria-label": "Filter events", "data-sieve": "text", oninput: given("text") }),
      leg: choose("leg", "Leg"),
      event: choose("event", "Event"),
      cause: choose("cause", "Cause"),
      kind: choose("kind", "Kind"),
      since: time("since", "From this time on", "from 12:00:01"),
      until: time("until", "Up to this time", "until"),
    };
    this.all = button("Show all", () => change({ ...OPEN_SIEVE }), { hidden: true });
    this.known = { leg: new Set(), event: new Set(), cause: new Set() };
    this.fill("kind", SIEVE_KINDS);
    for (const name of Object.keys(this.known)) this.offer(name);
    this.node = h("div", { class: "wb-bar", role: "search", "aria-label": "Filter" }, ...Object.values(this.fields), this.all);
  }

  /** New rows bring new names to choose from. */
  learn(items) {
    for (const [name, known] of Object.entries(this.known)) {
      const before = known.size;
      for (const { row } of items) if (row[name] && known.size < OFFERED) known.add(row[name]);
      if (known.size > before) this.offer(name);
    }
  }

  offer(name) {
    this.fill(name, [["", `all ${name}s`], ...[...this.known[name]].sort(collator.compare).map((one) => [one, one])]);
  }

  fill(name, values) {
    const field = this.fields[name];
    const chosen = field.value;
    field.replaceChildren(...values.map(([value, label]) => h("option", { value }, label)));
    field.value = chosen;
    if (field.selectedIndex < 0) field.value = "";
  }

  show(sieve) {
    for (const [name, field] of Object.entries(this.fields)) {
      if (this.known[name] && sieve[name] && !this.known[name].has(sieve[name])) this.known[name].add(sieve[name]), this.offer(name);
      if (field.value !== sieve[name] && field.getAttribute("aria-invalid") !== "true") field.value = sieve[name];
    }
    this.all.hidden = Object.keys(this.fields).every((name) => !sieve[name]) && !sieve.by;
  }
}

const quoted = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Rows as CSV or JSON. */
export function taken(items, ms, form) {
  const rows = items.map((item) => ({ ...Object.fromEntries(TAKEN.map((name) => [name, item.row[name] ?? null])), ms: ms(item) }));
  if (form === "JSON") return `${JSON.stringify(rows, null, 2)}\n`;
  return [TAKEN.join(","), ...rows.map((row) => TAKEN.map((name) => quoted(String(row[name] ?? ""))).join(","))].map((line) => `${line}\r\n`).join("");
}

/** A button that copies what `give()` gives; `say` is told how that went. */
export const takeButton = (form, give, say) =>
  button(form, async () => {
    const [text, count] = give();
    const done = await copied(text);
    say(done ? `Copied ${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"} as ${form}.` : "This browser lets no page copy; wb.table().frame() gives the rows in a cell.", done ? "ok" : "error");
  }, { title: `Copy what is shown as ${form}`, "aria-label": `Copy as ${form}` });
