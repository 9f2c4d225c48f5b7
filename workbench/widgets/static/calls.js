import { h, frame, follow, refill, button, actions } from "./common.js";

const BADGES = { ringing: "wb-wait", queued: "wb-wait", initiated: "wb-wait", answered: "wb-good" };

export default {
  render({ model, el }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const calls = h("ul", { class: "wb-list", "aria-label": "Calls" });
    const rooms = h("div");
    box.body.append(calls, rooms);
    const act = (label, who, what, key, args) => {
      const node = button(label, () => ask(node, what, args), { "aria-label": `${label} ${who}`, "data-key": `${label} ${key}` });
      return node;
    };
    const call = (one) => h("li", {},
      h("span", { class: "wb-who" }, one.name), one.name === one.parties ? null : h("span", { class: "wb-more" }, one.parties),
      h("span", { class: `wb-badge ${BADGES[one.state] || ""}` }, one.state),
      h("span", { class: "wb-more" }, [one.doing, one.since && `since ${one.since}`].filter(Boolean).join(", ")),
      h("span", { class: "wb-tools" }, act("Hang up", one.name, "hang_up", one.id, { call: one.id })));
    const toggle = (one, what, on, yes, no) => {
      const node = act(on ? no : yes, one.name, what, one.id, { call: one.id, on: !on });
      node.setAttribute("aria-pressed", String(on));
      node.dataset.key = `${what} ${one.id}`;
      return node;
    };
    const member = (one) => h("li", { class: "wb-member" }, h("span", {}, one.name),
      one.mute ? h("span", { class: "wb-badge wb-wait" }, "muted") : null, one.hold ? h("span", { class: "wb-badge wb-wait" }, "on hold") : null,
      h("span", { class: "wb-tools" }, toggle(one, "mute", one.mute, "Mute", "Unmute"), toggle(one, "hold", one.hold, "Hold", "Resume")));
    const room = (one) => h("ul", { class: "wb-list", "aria-label": `Conference ${one.name}` },
      h("li", {}, h("span", { class: "wb-who" }, `Conference ${one.name}`), h("span", { class: "wb-badge wb-busy" }, `${one.members.length} ${one.members.length === 1 ? "member" : "members"}`),
        h("span", { class: "wb-more" }, one.since && `since ${one.since}`),
        h("span", { class: "wb-tools" }, act("End", `the conference ${one.name}`, "end_conference", one.id, { name: one.id }))),
      ...one.members.map(member));
    follow(model, box, ({ calls: now = [], conferences = [] }) => {
      box.count.textContent = `${now.length} ${now.length === 1 ? "call" : "calls"}`;
      refill(calls, now.length ? now.map(call) : [h("li", { class: "wb-hint" }, "No call is up.")]);
      refill(rooms, conferences.map(room));
    });
  },
};
