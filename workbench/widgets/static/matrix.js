import { h, icon, frame, follow, refill, button, reason, actions, everyFrame } from "./common.js";
import { hearsTable } from "./hears.js";
import { select, onSelect, ownId } from "./selection.js";

// What was computed and what was heard: alike, or a fault, in words, colour and a sign.
const words = (heard, measured) => {
  if (measured === null || measured === heard) return heard ? "hears" : "does not hear";
  return heard ? "should hear, but was silent:" : "should not hear, but heard";
};

const cell = (heard, measured, listener, voice) => {
  const said = `${listener} ${words(heard, measured)} ${voice}${measured === null ? "" : ", measured"}`;
  const props = { "aria-label": said, title: said };
  if (measured !== null && measured !== heard) return h("td", { ...props, class: "wb-fault" }, icon("alert"), heard ? " silent" : " heard");
  const sign = heard ? icon("ear") : "–";
  return h("td", { ...props, class: `${heard ? "wb-hears" : "wb-deaf"}${measured === null ? "" : " wb-measured"}` }, sign, measured ? icon("speaker") : null);
};

export default {
  render({ model, el, signal }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const bench = model.get("bench");
    const id = ownId();
    let picked = null; // the leg whose rows are marked
    let past = null; // the picture of the moment that is picked
    let wanted = null;
    const then = h("div", { class: "wb-then", role: "status", "aria-live": "polite", hidden: true });
    const back = button("Back to now", () => {
      wanted = past = picked = null;
      select({ bench, from: id });
      draw();
    });
    const moment = h("span", {});
    then.append(moment, back);
    const place = h("div", { class: "wb-matrix", tabindex: "0", role: "group", "aria-label": "Who hears whom" });
    const spoken = h("div", { "aria-live": "polite", class: "wb-unseen" });
    const measure = button("Measure", () => ask(measure, "measure"));
    const told = h("div", { class: "wb-measure", role: "status", "aria-live": "polite" });
    box.tools.append(measure);
    box.body.append(then, place, told, spoken);
    let last = "";
    const pick = (legs) => (at) => {
      picked = picked === legs[at] ? null : legs[at];
      select({ bench, from: id, leg: picked });
      draw();
    };
    const show = ({ parties = [], hears = [], legs = [], unknown = "", measured = null, faults = [], at = "", stale = false }) => {
      const known = (row, to) => (measured && !stale && !past ? measured[row][to] : null);
      const now = past || { parties, hears, legs };
      const table = () => hearsTable(now.parties, now.hears, {
        cell: (heard, listener, voice, row, to) => cell(heard, known(row, to), listener, voice),
        pick: pick(now.legs),
        pickable: (one) => Boolean(now.legs[one]),
        picked: picked === null ? null : now.legs.indexOf(picked),
      });
      refill(place, [now.parties.length ? table() : h("span", { class: "wb-hint" }, past ? "Nobody was connected then." : unknown || "Nobody is connected yet.")]);
      then.hidden = !past;
      place.classList.toggle("wb-past", Boolean(past));
      if (past && moment.textContent !== `As of ${past.time}`) moment.textContent = `As of ${past.time}`;
      reason(measure, unknown || (parties.length > 1 ? "" : "It takes two to hear anything."));
      box.count.textContent = parties.length ? `${parties.length} ${parties.length === 1 ? "party" : "parties"}` : "";
      const state = !at ? "" : stale ? "wb-wait" : faults.length ? "wb-bad" : "wb-good";
      const badge = !at ? "" : stale ? "out of date" : faults.length ? `${faults.length} ${faults.length === 1 ? "fault" : "faults"}` : "as computed";
      const why = stale ? `Measured at ${at}; who hears whom has changed since.` : faults.length ? `Measured at ${at}: ${faults.join("; ")}.` : `Measured at ${at}: what is heard is what was computed.`;
      told.hidden = !at || Boolean(past);
      if (told.dataset.told !== badge + why) told.replaceChildren(h("span", { class: `wb-badge ${state}` }, badge), h("span", { class: "wb-more" }, why));
      told.dataset.told = badge + why;
      const sentences = hears.map((row, one) => `${parties[one]} hears ${row.map((heard, to) => (heard ? parties[to] : "")).filter(Boolean).join(", ") || "nobody"}`).join("; ");
      if (sentences !== last) spoken.textContent = last = sentences;
    };
    const draw = everyFrame(() => show(model.get("view") || {}));
    follow(model, box, () => draw());
    const onMessage = ({ hand }) => {
      // Asked again since: an older answer.
      if (!hand?.past || hand.past.asked !== wanted) return;
      past = hand.past.parties ? hand.past : null;
      draw();
    };
    model.on("msg:custom", onMessage);
    const deaf = onSelect(bench, id, ({ key, event, leg, place: where, at }) => {
      picked = key || event ? null : leg;
      wanted = where === null && at === null ? null : `${where} ${at}`;
      if (wanted === null) past = null;
      else ask(null, "look_back", { place: where, at, asked: wanted });
      draw();
    });
    signal?.addEventListener("abort", () => (model.off("msg:custom", onMessage), deaf()));
  },
};
