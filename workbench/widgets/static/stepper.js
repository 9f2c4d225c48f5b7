import { h, frame, follow, refill, button, reason, actions } from "./common.js";
import { detailsOf } from "./details.js";
import { select, onSelect, ownId } from "./selection.js";

const FAULTS = [["timeout", "answer too late"], ["500", "500 instead of a document"], ["bad XML", "cut the document off"], ["wrong type", "send it as text/html"]];
const DRAFT = "workbench-draft";

/** What was typed is kept while the page is open, and over a reload. It holds placeholders of secrets, never these. */
function draft(key, text) {
  try {
    if (text === undefined) return sessionStorage.getItem(`${DRAFT} ${key}`);
    if (text === null) sessionStorage.removeItem(`${DRAFT} ${key}`);
    else sessionStorage.setItem(`${DRAFT} ${key}`, text);
  } catch {
    // A page without storage: a reload loses what was typed.
  }
  return null;
}

/** A text area with numbered lines, of which one may be marked. */
function lined(onInput) {
  const lines = h("div", { class: "wb-lines", "aria-hidden": "true" });
  const area = h("textarea", { class: "wb-area", spellcheck: "false", wrap: "off", autocapitalize: "off", autocomplete: "off", "aria-label": "The document that is sent", rows: "6" });
  let marked = null;
  const number = () => {
    const count = area.value.split("\n").length;
    lines.replaceChildren(...Array.from({ length: count }, (_, at) => h("div", at + 1 === marked ? { class: "wb-wrong" } : {}, String(at + 1))));
    area.rows = Math.min(24, Math.max(6, count + 1));
    lines.scrollTop = area.scrollTop;
  };
  area.addEventListener("input", () => (number(), onInput()));
  area.addEventListener("scroll", () => (lines.scrollTop = area.scrollTop), { passive: true });
  const mark = (line) => ((marked = line), number());
  /** Another text, as if it had been typed: the page's own undo takes it back. */
  const put = (text) => {
    area.focus();
    area.select();
    if (!document.execCommand("insertText", false, text)) {
      area.value = text;
      number();
    }
  };
  return { node: h("div", { class: "wb-editor" }, lines, area), area, mark, put };
}

export default {
  render({ model, el, signal }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const bench = model.get("bench");
    const id = ownId();
    const all = button("Hold every event", () => ask(all, "hold", { events: [] }), { class: "wb-button wb-main" });
    const off = button("Let everything go", () => ask(off, "off"));
    const choices = h("div", { class: "wb-choices", role: "group", "aria-label": "Events that are held" });
    const telling = h("div", { class: "wb-choices", role: "group", "aria-label": "Events that only tell something" });
    const list = h("ul", { class: "wb-list", "aria-label": "Held events" });
    const place = h("div", { class: "wb-now", hidden: true });
    box.tools.append(all, off);
    box.body.append(h("details", { class: "wb-hold" }, h("summary", {}, "Hold only some"), choices, h("div", { class: "wb-choices wb-more" }, "These only tell something; what they are answered is ignored:"), telling), list, place);

    let chosen = null;
    let held = [];
    const head = h("h4", {});
    const facts = h("dl", { class: "wb-facts" });
    const verdict = h("div", { class: "wb-verdict", role: "status", "aria-live": "polite" });
    const lines = h("div", {});
    const meaning = h("details", { class: "wb-meaning", hidden: true }, h("summary", {}, "What this document does, line by line"), lines);
    let timer = null;
    const now = () => held.find((one) => one.number === chosen);
    const key = (one) => `${bench} ${one.number}`;
    const check = () => chosen !== null && ask(null, "check", { stop: chosen, document: editor.area.value });
    const editor = lined(() => {
      draft(key(now()), editor.area.value);
      clearTimeout(timer);
      timer = setTimeout(check, 250);
    });
    const text = () => (editor.area.value === now()?.document ? null : editor.area.value);
    const decide = (node, what, more = {}) => ask(node, what, { stop: chosen, ...more });
    const send = button("Send", () => decide(send, "answer", { document: text() }), { class: "wb-button wb-main" });
    const next = button("Send and stop at the next", () => decide(next, "step", { document: text() }));
    const anyway = button("Send anyway", () => decide(anyway, "answer", { document: text(), anyway: true }));
    const back = button("Back to what the handler returned", () => {
      editor.put(now().document);
      draft(key(now()), null);
      clearTimeout(timer);
      check();
    });
    const fault = h("select", { class: "wb-input", "aria-label": "Have the answer go wrong" }, h("option", { value: "" }, "Let it go wrong …"), ...FAULTS.map(([kind, words]) => h("option", { value: kind }, `${kind}: ${words}`)));
    fault.addEventListener("change", () => {
      if (fault.value) decide(fault, "fault", { kind: fault.value });
      fault.value = "";
    });
    const clock = h("div", { class: "wb-more", role: "timer" });
    editor.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        send.click();
      }
    });
    place.append(head, facts, clock, h("div", { class: "wb-part" }, "What is answered"), editor.node, verdict, meaning, h("div", { class: "wb-form" }, send, next, anyway, back, fault));

    const fill = (one) => {
      editor.area.value = draft(key(one)) ?? one.document;
      editor.area.readOnly = !one.asks;
      editor.mark(null);
      check();
    };
    let later = null;
    const pick = (one) => select({ bench, from: id, key: `e${one.id}`, event: one.id, leg: one.leg || null });
    const open = (one) => {
      chosen = one.number;
      clearTimeout(timer);
      pick(one);
      // Ladder and table may hear of it a little later.
      clearTimeout(later);
      later = setTimeout(() => chosen === one.number && pick(one), 400);
      head.textContent = `${[one.event, one.leg, one.cause && `(${one.cause})`].filter(Boolean).join(" ")} · ${one.flow}`;
      facts.replaceChildren(...one.fields.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
      place.hidden = false;
      verdict.replaceChildren();
      meaning.hidden = true;
      for (const node of [send, next, fault]) reason(node, node === fault && !one.asks ? "The platform ignores what this event is answered." : "");
      fill(one);
      draw();
    };
    const tick = () => {
      const one = now();
      const left = one?.until ? Math.max(0, Math.round((one.until - Date.now()) / 1000)) : null;
      clock.textContent = left === null ? "" : `Live the platform's clock does not wait: the handler's own answer goes out in ${left} s.`;
    };
    const ticking = setInterval(tick, 500);
    signal?.addEventListener("abort", () => clearInterval(ticking));
    const onMessage = (message) => {
      const told = message.hand?.verdict;
      if (!told || told.stop !== chosen || told.document !== editor.area.value) return;
      verdict.className = `wb-verdict ${told.good ? "wb-good" : "wb-bad"}`;
      verdict.textContent = told.text;
      editor.mark(told.line);
      meaning.hidden = !told.explained.length;
      lines.replaceChildren(detailsOf({ parts: told.explained.map(({ kind, rows }) => ({ head: "", kind, rows })) }));
      anyway.hidden = told.good;
      const why = told.good ? "" : "The platform would refuse this document; mend it, or send it anyway to see what comes of it.";
      for (const node of [send, next]) reason(node, why);
    };
    model.on("msg:custom", onMessage);
    const deaf = onSelect(bench, id, ({ event }) => {
      clearTimeout(later);
      const one = event !== null && held.find((other) => other.id === event);
      if (one && one.number !== chosen) open(one);
    });
    signal?.addEventListener("abort", () => (model.off("msg:custom", onMessage), deaf()));

    const item = (one) => {
      const node = h("button", { type: "button", class: "wb-held", "data-key": `stop ${one.number}`, "aria-pressed": String(one.number === chosen) },
        h("span", { class: "wb-who" }, one.event), h("span", {}, one.leg), h("span", { class: "wb-more" }, `${one.flow} · held since ${one.time}`));
      node.addEventListener("click", () => open(one));
      return h("li", {}, node);
    };
    let view = { choices: [], on: [], held: [] };
    const draw = () => {
      const nothing = view.on.length ? "Nothing is held. Make a call: the next such event stops here." : "Step mode is off: handlers answer by themselves.";
      refill(list, held.length ? held.map(item) : [h("li", { class: "wb-hint" }, nothing)]);
    };
    follow(model, box, (given) => {
      view = given;
      for (const one of held) if (!view.held.some((other) => other.number === one.number)) draft(key(one), null);
      held = view.held;
      box.count.textContent = held.length ? `${held.length} held, the platform waits` : view.on.length ? "on" : "off";
      reason(off, view.on.length || held.length ? "" : "Nothing is held.");
      all.setAttribute("aria-pressed", String(Boolean(view.all)));
      const choice = (name) => {
        const tick = h("input", { type: "checkbox", "data-key": `hold ${name}`, checked: view.on.includes(name) });
        tick.addEventListener("change", () => {
          const on = view.on.filter((other) => other !== name).concat(tick.checked ? [name] : []);
          ask(tick, on.length ? "hold" : "off", on.length ? { events: on } : {});
        });
        return h("label", {}, tick, " ", name);
      };
      refill(choices, view.choices.map(choice));
      refill(telling, view.telling.map(choice));
      if (!now()) {
        chosen = null;
        place.hidden = true;
        if (held.length) return open(held[0]);
      }
      draw();
    });
  },
};
