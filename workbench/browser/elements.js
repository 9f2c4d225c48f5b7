// Elements, icons and buttons: what every face of this project is made of, panels and pages alike.

const ICONS = {
  out: "M2 8h10M8.5 4.5 12 8l-3.5 3.5",
  in: "M14 8H4M7.5 4.5 4 8l3.5 3.5",
  close: "M4 4l8 8M12 4l-8 8",
  alert: "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.4v.4",
  ok: "M3 8.5 6.5 12 13 4.5",
  ear: "M3 8.5 6.5 12 13 4.5",
  mic: "M8 2a2 2 0 0 1 2 2v4a2 2 0 0 1-4 0V4a2 2 0 0 1 2-2zM3.8 8a4.2 4.2 0 0 0 8.4 0M8 12.2V14.5",
  speaker: "M2.5 6v4H5l3.5 3V3L5 6zM11 5.8a3 3 0 0 1 0 4.4M13 4a5.6 5.6 0 0 1 0 8",
  phone: "M4 2.5 6 2l1.3 3.2-1.6 1.2a8 8 0 0 0 3.9 3.9l1.2-1.6L14 10l-.5 2.2c-.2.8-.8 1.3-1.6 1.3A9.4 9.4 0 0 1 2.5 4.1c0-.8.6-1.4 1.5-1.6z",
  bell: "M8 2.2a4 4 0 0 0-4 4v3L2.8 11.5h10.4L12 9.2v-3a4 4 0 0 0-4-4zM6.6 13.6a1.5 1.5 0 0 0 2.8 0",
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

/** The box around a face: title, tools on the right, body, and a line that is read out when it changes. */
export function box(el, title) {
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
    note.replaceChildren(...(text ? [icon(kind === "ok" ? "ok" : "alert"), h("span", {}, (kind === "error" ? "Error: " : "") + text)] : []));
  };
  root.addEventListener("wb-reason", (event) => say(event.detail, "info"));
  return { root, head, count, tools, body, say };
}
