// A closer look at one event: its parts, one below the other.

import { h, button } from "./elements.js";

const said = ({ kind, text = "", rows = [] }) =>
  rows.length
    ? h("dl", { class: "wb-explained" }, ...rows.flatMap((row) => (Array.isArray(row) ? row : Object.values(row)).map((value, at) => h(at ? "dd" : "dt", {}, String(value ?? "")))))
    : h("pre", { class: `wb-pre wb-part-${kind}` }, text);

/** The parts of a detail (`workbench/details.py`); with `onClose` a button takes them away. */
export function detailsOf(detail, onClose = null) {
  const parts = detail.parts.flatMap((part) => [h("h3", {}, part.head), said(part)]);
  return h("div", { class: "wb-detail" }, onClose ? button("Close", onClose) : null, ...parts);
}
