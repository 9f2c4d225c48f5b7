import { h, frame, follow, refill, button, reason, actions } from "./common.js";

export default {
  render({ model, el }) {
    const box = frame(el, model);
    const ask = actions(model, box);
    const name = h("input", { class: "wb-input", type: "text", value: "browser", maxlength: "50", "data-key": "name" });
    const create = button("Create", () => ask(create, "create", { name: name.value }), { class: "wb-button wb-main" });
    name.addEventListener("keydown", (event) => event.key === "Enter" && create.click());
    const list = h("ul", { class: "wb-list" });
    box.body.append(h("div", { class: "wb-form" }, h("label", {}, "Name", name), create), list);
    const act = (one, label, what, why) => {
      const node = button(label, () => ask(node, what, { participant: one.id }), { "aria-label": `${label} ${one.name}`, "data-key": `${what} ${one.id}` });
      return reason(node, why);
    };
    const item = (one, local) => {
      const claim = ([key, value]) => h("span", { role: "listitem" }, h("span", { class: "wb-more" }, key), " ", h("span", {}, value));
      const claims = Object.entries(one.claims).map(claim);
      const device = one.connected
        ? act(one, "Disconnect", "disconnect", local || (one.call ? "The interconnect leaves when its call ends." : ""))
        : act(one, "Connect", "connect", local);
      return h("li", {},
        h("span", { class: "wb-who" }, one.name),
        h("span", { class: `wb-badge ${one.connected ? "wb-good" : ""}` }, one.status),
        h("span", { class: "wb-tools" }, device, act(one, "Delete", "delete", "")),
        h("span", { class: "wb-claims", role: "list", "aria-label": `What the token of ${one.name} says` }, ...claims));
    };
    follow(model, box, ({ made = [], local = "" }) => {
      box.count.textContent = made.length ? `${made.length} ${made[0].claims.endpoint ? (made.length > 1 ? "endpoints" : "endpoint") : "in the session"}` : "";
      refill(list, made.length ? made.map((one) => item(one, local)) : [h("li", { class: "wb-hint" }, "None yet.")]);
    });
  },
};
