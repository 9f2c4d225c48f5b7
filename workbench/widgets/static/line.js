// A line in a panel: Python hands the page a token when a button asks for one; all views of the panel show the same line.

import { follow, actions } from "./common.js";
import { Talk } from "./faces.js";

const PAGE = Math.random().toString(36).slice(2);
// A cell that is run again takes its view away and shows a new one; a microphone without a view must not stay on.
const GRACE_SECONDS = 2;

export function panel(frame, face, more) {
  const talk = new Talk();
  const tabs = [];
  let views = 0;
  const open = (url) => {
    const tab = tabs.shift();
    if (!tab) return window.open(url, "_blank", "noopener");
    tab.opener = null;
    tab.location.replace(url);
  };
  const take = ({ hand }) => {
    if (!hand || (hand.page && hand.page !== PAGE)) return;
    if (hand.connect) talk.connect(hand.connect);
    if (hand.open) open(hand.open);
    if (hand.leave) talk.leave();
    if ("mute" in hand) talk.line?.mute(hand.mute);
    if (hand.press) talk.line?.press(hand.press).catch(() => {});
  };
  return {
    initialize({ model }) {
      model.on("msg:custom", take);
      return () => talk.end();
    },
    render({ model, el }) {
      const place = frame(el, model);
      const ask = actions(model, place);
      const view = model.get("view");
      const host = {
        connect: (node) => ask(node, "connect", { page: PAGE }),
        // Opened in the click, since browsers open nothing later; it is led on once Python has answered.
        open: (node) => tabs.push(window.open("", "_blank")) && ask(node, "open_page", { page: PAGE }),
        alone: view.alone,
        ...more(view, ask),
      };
      const end = face(place, talk, host);
      follow(model, place, () => {});
      views += 1;
      return () => {
        end();
        views -= 1;
        setTimeout(() => views || talk.leave(), GRACE_SECONDS * 1000);
      };
    },
  };
}
