// What all panels share: elements, icons, the frame around a panel, buttons that ask Python to do something.

const ICONS = {
  out: "M2 8h10M8.5 4.5 12 8l-3.5 3.5",
  in: "M14 8H4M7.5 4.5 4 8l3.5 3.5",
  close: "M4 4l8 8M12 4l-8 8",
  alert: "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.4v.4",
  ok: "M3 8.5 6.5 12 13 4.5",
  ear: "M3 8.5 6.5 12 13 4.5",
};

/** An element: h("div", {class: "a", onclick: f, "aria-label": "b"}, "text", child). */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A line icon, drawn rather than taken from a font; never read out. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", "aria-hidden": "true", class: "wb-icon" })) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Call `draw` at the next frame, however often it is asked for before. */
export function everyFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/** The box around a panel: title, tools on the right, body, and a line that is read out when it changes. */
export function frame(el, model) {
  const title = model.get("title");
  const count = h("span", { class: "wb-count" });
  const tools = h("div", { class: "wb-tools" });
  const body = h("div", { class: "wb-body" });
  const note = h("div", { class: "wb-note", role: "status", "aria-live": "polite" });
  const head = h("div", { class: "wb-head" }, h("span", { class: "wb-title" }, title), count, tools);
  const root = h("section", { class: "wb", "aria-label": title }, head, body, note);
  // The notebook would take keys as its own: d d deletes the cell.
  for (const type of ["keydown", "keypress", "keyup"]) el.addEventListener(type, (event) => event.stopPropagation());
  el.append(root);
  const say = (text, kind = "ok") => {
    note.className = `wb-note wb-${kind}`;
    note.replaceChildren(...(text ? [icon(kind === "error" ? "alert" : "ok"), h("span", {}, (kind === "error" ? "Error: " : "") + text)] : []));
  };
  return { root, head, count, tools, body, say };
}

/** A button. `reason(button, text)` later says why it does not apply; it stays reachable, so that the reason can be read. */
export function button(label, onclick, props = {}) {
  const node = h("button", { type: "button", class: "wb-button", ...props }, label);
  node.addEventListener("click", (event) => {
    if (node.getAttribute("aria-disabled") !== "true") onclick(event);
    else node.dispatchEvent(new CustomEvent("wb-reason", { bubbles: true, detail: node.title }));
  });
  return node;
}

export function reason(node, text) {
  if (text) {
    node.setAttribute("aria-disabled", "true");
    node.title = text;
  } else {
    node.removeAttribute("aria-disabled");
    node.removeAttribute("title");
  }
  return node;
}

let asked = 0;

/** Lets buttons call Python methods of the panel; follows each call until it is done. */
export function actions(model, box) {
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
  box.root.addEventListener("wb-reason", (event) => box.say(event.detail, "info"));
  return (node, name, args = {}) => {
    if (node?.getAttribute("aria-busy") === "true") return;
    const id = `${Date.now()}-${(asked += 1)}`;
    node?.setAttribute("aria-busy", "true");
    const slow = () => box.say("Waiting: the kernel is busy with a cell, or this takes a while.", "info");
    open.set(id, { node, timer: setTimeout(slow, 1500) });
    model.send({ do: name, with: args, id });
  };
}

/** Redraw `view` at most once a frame, and show its note when it is a new one. */
export function follow(model, box, draw) {
  let shown = 0;
  let trouble = "";
  const update = everyFrame(() => {
    const view = model.get("view") || {};
    draw(view);
    if ((view.error || "") !== trouble) box.say((trouble = view.error || ""), "error");
    if (view.note && view.note.n !== shown) {
      shown = view.note.n;
      box.say(view.note.text, view.note.kind);
    }
  });
  model.on("change:view", update);
  update();
}

/** Replace the children of `node`, keeping the focus on the control with the same data-key, else in the panel: Tab goes on from there. */
export function refill(node, children) {
  const active = node.contains(document.activeElement) ? document.activeElement : null;
  const caret = active?.selectionStart;
  node.replaceChildren(...children);
  const again = active?.dataset.key && node.querySelector(`[data-key="${CSS.escape(active.dataset.key)}"]`);
  again?.focus();
  const panel = active && !again ? node.closest(".wb") : null;
  if (panel) {
    panel.tabIndex = -1;
    panel.addEventListener("blur", () => panel.removeAttribute("tabindex"), { once: true });
    panel.focus({ preventScroll: true });
  }
  if (typeof caret === "number") again?.setSelectionRange?.(caret, caret);
}
