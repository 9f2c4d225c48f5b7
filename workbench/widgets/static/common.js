// What all panels share: the frame around a panel, buttons that ask Python to do something, a view that is followed.

import { box, everyFrame } from "./elements.js";
export { h, icon, everyFrame, button, reason, refill } from "./elements.js";

/** The box around a panel, with its title. */
export const frame = (el, model) => box(el, model.get("title"));

let asked = 0;

/** Lets buttons call Python methods of the panel; follows each call until it is done. */
export function actions(model, place) {
  const open = new Map();
  const finish = (id) => {
    const entry = open.get(id);
    if (!entry) return;
    clearTimeout(entry.timer);
    entry.node?.removeAttribute("aria-busy");
    open.delete(id);
  };
  const onMessage = (message) => (message.done || []).forEach(finish);
  model.on("msg:custom", onMessage);
  return (node, name, args = {}) => {
    if (node?.getAttribute("aria-busy") === "true") return;
    const id = `${Date.now()}-${(asked += 1)}`;
    node?.setAttribute("aria-busy", "true");
    const slow = () => place.say("Waiting: the kernel is busy with a cell, or this takes a while.", "info");
    open.set(id, { node, timer: setTimeout(slow, 1500) });
    try {
      model.send({ do: name, with: args, id });
    } catch {
      finish(id);
      place.say("This panel's kernel has ended or was restarted: run the notebook's cells again.", "error");
    }
  };
}

/** Redraw `view` at most once a frame, and show its note when it is a new one. */
export function follow(model, place, draw) {
  let shown = 0;
  let trouble = "";
  const update = everyFrame(() => {
    const view = model.get("view") || {};
    draw(view);
    if ((view.error || "") !== trouble) place.say((trouble = view.error || ""), "error");
    if (view.note && view.note.n !== shown) {
      shown = view.note.n;
      place.say(view.note.text, view.note.kind);
    }
  });
  model.on("change:view", update);
  update();
}
