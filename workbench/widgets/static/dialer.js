import { h, frame, follow, refill, button, reason, actions } from "./common.js";

const BADGES = { ringing: "wb-wait", calling: "wb-wait", "about to ring": "wb-wait", called: "wb-wait", talking: "wb-good", answered: "wb-good", waiting: "wb-busy" };
const badge = (status) => h("span", { class: `wb-badge ${BADGES[status] || ""}` }, status);

export default {
  render({ model, el }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const view = model.get("view");
    const known = h("datalist", { id: `wb-phones-${Math.random().toString(36).slice(2)}` });
    const phone = h("input", { class: "wb-input", type: "tel", value: view.first, list: known.id, autocomplete: "off" });
    const call = button("Call it", () => ask(call, "call", { to: phone.value }), { class: "wb-button wb-main" });
    const letIn = button("Let it call in", () => ask(letIn, "let_in", { phone: phone.value }));
    phone.addEventListener("keydown", (event) => event.key === "Enter" && call.click());
    const say = h("input", { class: "wb-input", type: "text", placeholder: "empty: the handler decides", "aria-label": "What a redirected call hears" });
    const end = button("Hang up all", () => ask(end, "hang_up"));
    const legs = h("ul", { class: "wb-list", "aria-label": "Legs of this mode" });
    const phones = h("ul", { class: "wb-list", "aria-label": "Phones" });
    const typed = new Map();
    const legsHead = h("div", { class: "wb-part" }, "Legs now");
    const phonesHead = h("div", { class: "wb-part" }, "Phones");
    box.body.append(h("div", { class: "wb-form" }, h("label", {}, "Phone", phone), known, call, letIn, h("label", {}, "On redirect, say", say), end), legsHead, legs, phonesHead, phones);
    box.count.textContent = `our number ${view.own}`;

    const act = (key, label, who, what, why, args) => {
      const node = button(label, () => ask(node, what, args()), { "aria-label": `${label}: ${who}`, "data-key": key });
      return reason(node, why);
    };
    const leg = (one) => {
      const key = `${one.flow} ${one.name}`;
      return h("li", {},
        h("span", { class: "wb-who" }, one.name), h("span", { class: "wb-more" }, one.party), badge(one.status), h("span", { class: "wb-more" }, one.flow),
        h("span", { class: "wb-tools" },
          act(`redirect ${key}`, "Redirect", one.name, "redirect", one.why.redirect, () => ({ leg: one.name, flow: one.flow, say: say.value })),
          act(`hang ${key}`, "Hang up", one.name, "hang_up", one.why.hang_up, () => ({ who: one.name, flow: one.flow }))));
    };
    const device = (one) => {
      const keys = h("input", { class: "wb-input wb-short", type: "text", value: typed.get(one.number) || "", placeholder: "12#", "aria-label": `Keys to press at ${one.shown}`, "data-key": `digits ${one.number}` });
      keys.addEventListener("input", () => typed.set(one.number, keys.value));
      const send = act(`press ${one.number}`, "Press", one.shown, "press", one.why.press, () => ({ phone: one.number, digits: keys.value }));
      keys.addEventListener("keydown", (event) => event.key === "Enter" && send.click());
      const simple = [["Answer", "answer"], ["Reject", "reject"], ["Hang up", "hang_up"]].map(([label, what]) =>
        act(`${what} ${one.number}`, label, one.shown, what, one.why[what], () => (what === "hang_up" ? { who: one.number } : { phone: one.number })));
      return h("li", {}, h("span", { class: "wb-who" }, one.shown), badge(one.status), h("span", { class: "wb-tools" }, ...simple, keys, send));
    };
    follow(model, box, (now) => {
      reason(letIn, now.local);
      reason(end, now.legs.length ? "" : "No call of this mode is up.");
      legsHead.hidden = !now.legs.length;
      phonesHead.hidden = !now.phones.length;
      refill(legs, now.legs.map(leg));
      refill(phones, now.phones.map(device));
      known.replaceChildren(...now.phones.map((one) => h("option", { value: one.number })));
    });
  },
};
