import { h, icon, frame, follow, refill } from "./common.js";

const cell = (heard, self, listener, voice) => {
  if (self) return h("td", { class: "wb-self", "aria-label": "itself" });
  const words = `${listener} ${heard ? "hears" : "does not hear"} ${voice}`;
  return h("td", { class: heard ? "wb-hears" : "wb-deaf", "aria-label": words, title: words }, heard ? icon("ear") : "–");
};

export default {
  render({ model, el }) {
    const box = frame(el, model);
    const place = h("div", { class: "wb-matrix", tabindex: "0", role: "group", "aria-label": "Who hears whom" });
    const spoken = h("div", { "aria-live": "polite", class: "wb-unseen" });
    box.body.append(place, spoken);
    let last = "";
    follow(model, box, ({ parties = [], hears = [], unknown = "" }) => {
      const heads = parties.map((name) => h("th", { scope: "col" }, name));
      const rows = parties.map((listener, row) =>
        h("tr", {}, h("th", { scope: "row" }, listener), ...parties.map((voice, at) => cell(hears[row][at], row === at, listener, voice))));
      const table = h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "hears →"), ...heads)), h("tbody", {}, ...rows));
      refill(place, [parties.length ? table : h("span", { class: "wb-hint" }, unknown || "Nobody is connected yet.")]);
      box.count.textContent = parties.length ? `${parties.length} ${parties.length === 1 ? "party" : "parties"}` : "";
      const words = hears.map((row, at) => `${parties[at]} hears ${row.map((heard, to) => (heard ? parties[to] : "")).filter(Boolean).join(", ") || "nobody"}`).join("; ");
      if (words !== last) spoken.textContent = last = words;
    });
  },
};
