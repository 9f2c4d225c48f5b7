import { h, icon, frame, follow, refill, button, reason, actions } from "./common.js";

// What was computed and what was heard: alike, or a fault, in words, colour and a sign.
const words = (heard, measured) => {
  if (measured === null || measured === heard) return heard ? "hears" : "does not hear";
  return heard ? "should hear, but was silent:" : "should not hear, but heard";
};

const cell = (heard, measured, self, listener, voice) => {
  if (self) return h("td", { class: "wb-self", "aria-label": "itself" });
  const said = `${listener} ${words(heard, measured)} ${voice}${measured === null ? "" : ", measured"}`;
  const props = { "aria-label": said, title: said };
  if (measured !== null && measured !== heard) return h("td", { ...props, class: "wb-fault" }, icon("alert"), heard ? " silent" : " heard");
  const sign = heard ? icon("ear") : "–";
  return h("td", { ...props, class: `${heard ? "wb-hears" : "wb-deaf"}${measured === null ? "" : " wb-measured"}` }, sign, measured ? icon("speaker") : null);
};

export default {
  render({ model, el }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const place = h("div", { class: "wb-matrix", tabindex: "0", role: "group", "aria-label": "Who hears whom" });
    const spoken = h("div", { "aria-live": "polite", class: "wb-unseen" });
    const measure = button("Measure", () => ask(measure, "measure"));
    const told = h("div", { class: "wb-measure", role: "status", "aria-live": "polite" });
    box.tools.append(measure);
    box.body.append(place, told, spoken);
    let last = "";
    follow(model, box, ({ parties = [], hears = [], unknown = "", measured = null, faults = [], at = "", stale = false }) => {
      const known = (row, to) => (measured && !stale ? measured[row][to] : null);
      const heads = parties.map((name) => h("th", { scope: "col" }, name));
      const rows = parties.map((listener, row) =>
        h("tr", {}, h("th", { scope: "row" }, listener), ...parties.map((voice, to) => cell(hears[row][to], known(row, to), row === to, listener, voice))));
      const table = h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "hears →"), ...heads)), h("tbody", {}, ...rows));
      refill(place, [parties.length ? table : h("span", { class: "wb-hint" }, unknown || "Nobody is connected yet.")]);
      reason(measure, unknown || (parties.length > 1 ? "" : "It takes two to hear anything."));
      box.count.textContent = parties.length ? `${parties.length} ${parties.length === 1 ? "party" : "parties"}` : "";
      const state = !at ? "" : stale ? "wb-wait" : faults.length ? "wb-bad" : "wb-good";
      const badge = !at ? "" : stale ? "out of date" : faults.length ? `${faults.length} ${faults.length === 1 ? "fault" : "faults"}` : "as computed";
      const why = stale ? `Measured at ${at}; who hears whom has changed since.` : faults.length ? `Measured at ${at}: ${faults.join("; ")}.` : `Measured at ${at}: what is heard is what was computed.`;
      told.hidden = !at;
      if (told.dataset.told !== badge + why) told.replaceChildren(h("span", { class: `wb-badge ${state}` }, badge), h("span", { class: "wb-more" }, why));
      told.dataset.told = badge + why;
      const sentences = hears.map((row, one) => `${parties[one]} hears ${row.map((heard, to) => (heard ? parties[to] : "")).filter(Boolean).join(", ") || "nobody"}`).join("; ");
      if (sentences !== last) spoken.textContent = last = sentences;
    });
  },
};
