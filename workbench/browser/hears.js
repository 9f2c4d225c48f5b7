// Who hears whom as a table: a row per listener, a column per voice.

import { h, icon } from "./elements.js";

const heardCell = (heard, listener, voice) => {
  const said = `${listener} ${heard ? "hears" : "does not hear"} ${voice}`;
  return h("td", { class: heard ? "wb-hears" : "wb-deaf", "aria-label": said, title: said }, heard ? icon("ear") : "–");
};

/**
 * The table of one moment: `parties` by name, `hears[listener][voice]`. `cell(heard, listener, voice, row, column)` draws a cell in another
 * way; with `pick(at)` the heads are buttons, that of the party at `picked` pressed; `pickable(at)` tells whether one is.
 */
export function hearsTable(parties, hears, { cell = heardCell, pick = null, pickable = () => true, picked = null } = {}) {
  const head = (name, at, scope) => {
    if (!pick || !pickable(at)) return h("th", { scope }, name);
    const props = { type: "button", class: "wb-party", "data-key": `${scope} ${name}`, "aria-pressed": String(at === picked), title: `Mark what is about ${name}` };
    return h("th", { scope }, h("button", { ...props, onclick: () => pick(at) }, name));
  };
  const heads = parties.map((name, at) => head(name, at, "col"));
  const rows = parties.map((listener, row) =>
    h("tr", {}, head(listener, row, "row"), ...parties.map((voice, to) =>
      row === to ? h("td", { class: "wb-self", "aria-label": "itself" }) : cell(hears[row][to], listener, voice, row, to))));
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "hears →"), ...heads)), h("tbody", {}, ...rows));
}
