import { h, icon, frame, follow, refill, button, reason, actions } from "./common.js";
import { hearsTable } from "./hears.js";
import { Ladder } from "./ladder.js";

const SIGNS = { kept: "ok", broken: "close" };

/** What a mode has in a row: a number, or what became of a change. */
const comparedCell = ({ text, kind, how }) => {
  const sign = SIGNS[kind] ? h("span", { class: `wb-${kind}` }, icon(SIGNS[kind]), " ") : null;
  return h("td", { class: kind === "cannot" ? "wb-soft" : null }, sign, text, how ? h("div", { class: "wb-soft" }, how) : null);
};

const comparedTable = ({ story, modes, rows }) => {
  const heads = h("tr", {}, h("td"), ...modes.map((mode) => h("th", { scope: "col" }, mode)));
  const lines = rows.map(({ name, cells }) => h("tr", {}, h("th", { scope: "row" }, name), ...cells.map(comparedCell)));
  return h("table", {}, h("caption", {}, story), h("thead", {}, heads), h("tbody", {}, ...lines));
};

/** Who heard whom at a moment, or why there is no such moment. */
const comparedPicture = ({ title, cannot, parties, hears }) => {
  if (cannot) return h("p", { class: "wb-soft" }, `${title}: ${cannot}`);
  const table = hearsTable(parties, hears);
  table.prepend(h("caption", {}, title));
  return table;
};

const comparedLadder = (mode, { lanes, messages }) => {
  const place = h("div", { class: "wb-compared-ladder" });
  const said = h("div", { class: "wb-soft", "aria-live": "polite" });
  const ladder = new Ladder(place, {
    select: (message) => {
      ladder.mark(message?.key ?? null);
      said.textContent = [message?.label, message?.note].filter(Boolean).join(" · ");
    },
  });
  ladder.root.setAttribute("aria-label", `Ladder of ${mode}`);
  ladder.lanes(lanes);
  ladder.put(messages);
  place.append(said);
  return place;
};

export default {
  render({ model, el }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const choice = h("select", { "aria-label": "Story" });
    const told = h("p", { class: "wb-story" });
    const doing = h("p", { class: "wb-story", "aria-live": "polite" });
    const table = h("div", { class: "wb-compared", tabindex: "0", role: "group", "aria-label": "What each verb takes, and what survives" });
    const columns = h("div", { class: "wb-columns" });
    const play = button("Play", () => ask(play, "play", { story: choice.value }));
    const tell = (stories) => (told.textContent = stories.find(({ name }) => name === choice.value)?.told || "");
    choice.addEventListener("change", () => tell(model.get("view").stories));
    box.tools.append(choice, play);
    box.body.append(told, doing, table, columns);
    let shown = null;
    follow(model, box, ({ stories = [], chosen = "", doing: now = "", result = null }) => {
      if (choice.options.length !== stories.length) {
        choice.replaceChildren(...stories.map(({ name }) => h("option", { value: name }, name)));
        choice.value = chosen;
        tell(stories);
      }
      reason(play, now ? "A story is being played." : "");
      doing.textContent = now;
      const drawn = JSON.stringify(result);
      if (drawn === shown) return;
      shown = drawn;
      refill(table, result ? [result.note ? h("p", {}, result.note) : null, comparedTable(result)].filter(Boolean) : []);
      const column = (mode) => {
        const pictures = (result.pictures[mode] || []).map(comparedPicture);
        return h("section", { class: "wb-matrix" }, h("strong", {}, mode), comparedLadder(mode, result.ladders[mode]), ...pictures);
      };
      refill(columns, result ? result.modes.map(column) : []);
    });
  },
};
