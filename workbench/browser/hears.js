// Who hears whom as a table: a row per listener, a column per voice.

import { h, icon } from "./elements.js";

/** The table of one moment: `parties` by name, `hears[listener][voice]`. */
export function hearsTable(parties, hears) {
  const cell = (heard, self, listener, voice) => {
    if (self) return h("td", { class: "wb-self", "aria-label": "itself" });
    const said = `${listener} ${heard ? "hears" : "does not hear"} ${voice}`;
    return h("td", { class: heard ? "wb-hears" : "wb-deaf", "aria-label": said, title: said }, heard ? icon("ear") : "–");
  };
  const heads = parties.map((name) => h("th", { scope: "col" }, name));
  const rows = parties.map((listener, row) =>
    h("tr", {}, h("th", { scope: "row" }, listener), ...parties.map((voice, to) => cell(hears[row][to], row === to, listener, voice))));
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "hears →"), ...heads)), h("tbody", {}, ...rows));
}
