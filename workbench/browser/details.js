// A closer look at one event: its parts, one below the other.

import { h, icon, button } from "./elements.js";
import { copied } from "./clipboard.js";

/** Text as it is, with the names of BXML verbs and attributes set off. */
function code(kind, text) {
  const pre = h("pre", { class: `wb-code wb-pre wb-code-${kind} wb-part-${kind}`, tabindex: "0" });
  if (kind === "python") pre.append(...text.split("\n").map((line) => h("span", { class: line.startsWith("→ ") ? "wb-failed" : null }, `${line}\n`)));
  else if (kind !== "bxml") pre.append(text);
  else {
    for (const piece of text.split(/(<\/?[\w:.-]+|\/?>|\s[\w:.-]+(?==["']))/)) {
      const what = /^<\/?\w|^\/?>$/.test(piece) ? "wb-verb" : /^\s[\w:.-]+$/.test(piece) ? "wb-attribute" : null;
      pre.append(what ? h("span", { class: what }, piece) : piece);
    }
  }
  return pre;
}

const said = ({ kind, text = "", rows = [] }) =>
  rows.length
    ? h("dl", { class: "wb-explained" }, ...rows.flatMap((row) => (Array.isArray(row) ? row : Object.values(row)).map((value, at) => h(at ? "dd" : "dt", {}, String(value ?? "")))))
    : code(kind, text);

/** Buttons that copy what a part can be pasted as. */
function copiesOf(copies = []) {
  if (!copies.length) return null;
  const told = h("span", { class: "wb-more", role: "status", "aria-live": "polite" });
  const copy = ({ label, text }) =>
    button(`Copy as ${label}`, async () => (told.textContent = (await copied(text)) ? `Copied as ${label}.` : "This browser lets no page copy; select the text instead."));
  return h("div", { class: "wb-copies" }, ...copies.map(copy), told);
}

/** The parts of a detail (`workbench/details.py`) under its title; with `onClose` a button takes them away. */
export function detailsOf(detail, onClose = null) {
  const close = onClose && button(icon("close"), onClose, { "aria-label": "Close the details" });
  const head = close ? h("div", { class: "wb-detail-head" }, h("strong", {}, detail.title || ""), close) : null;
  const parts = detail.parts.flatMap((part) => [h(close ? "h4" : "h3", {}, part.head), copiesOf(part.copies), said(part)].filter(Boolean));
  return h("div", close ? {} : { class: "wb-detail" }, head, ...parts);
}
