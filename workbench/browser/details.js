// A closer look at one event: its parts, one below the other.

import { h, icon, button } from "./elements.js";

/** Text as it is, with the names of BXML verbs and attributes set off. */
function code(kind, text) {
  const pre = h("pre", { class: `wb-code wb-pre wb-code-${kind} wb-part-${kind}`, tabindex: "0" });
  if (kind !== "bxml") pre.append(text);
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

/** The parts of a detail (`workbench/details.py`) under its title; with `onClose` a button takes them away. */
export function detailsOf(detail, onClose = null) {
  const close = onClose && button(icon("close"), onClose, { "aria-label": "Close the details" });
  const head = close ? h("div", { class: "wb-detail-head" }, h("strong", {}, detail.title || ""), close) : null;
  const parts = detail.parts.flatMap((part) => [h(close ? "h4" : "h3", {}, part.head), said(part)]);
  return h("div", close ? {} : { class: "wb-detail" }, head, ...parts);
}
