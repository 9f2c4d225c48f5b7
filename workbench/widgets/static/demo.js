import { h, icon, frame, follow, refill, button, actions } from "./common.js";
import { Talk } from "./faces.js";
import { Ladder } from "./ladder.js";
import { hearsTable } from "./hears.js";

const STAGE = Math.random().toString(36).slice(2);
const ENDED = { over: "That was the whole story.", stopped: "Stopped.", failed: "It did not work." };
const OURS = ["Programmable Voice", "this notebook", "WebRTC"];

/** What a phone or browser is doing, read from the messages so far: a word, and what it said last. */
function doing(name, messages) {
  const found = { word: "on hook", state: "", text: "" };
  for (const one of messages) {
    if (one.source !== name && one.target !== name) continue;
    if (one.name === "invite" || one.name === "ringing") Object.assign(found, { word: "ringing", state: "wb-wait", text: "" });
    if (one.name === "arrived") Object.assign(found, { word: "calling…", state: "wb-busy", text: "" });
    if (["answered", "joined", "memberJoined"].includes(one.name)) Object.assign(found, { word: "in the call", state: "wb-good" });
    if (one.name === "phoneSays" && one.source === name) found.text = one.note || one.label;
    if (one.name === "memberChanged") found.word = one.label.includes("unmuted") ? "in the call" : one.label.includes("muted") ? "muted" : found.word;
    if (one.name === "ended") Object.assign(found, { word: "on hook", state: "", text: "" });
  }
  return found;
}

export default () => {
  const talk = new Talk();
  let views = 0;
  const take = ({ hand }) => {
    if (!hand || (hand.page && hand.page !== STAGE)) return;
    if (hand.connect) talk.connect(hand.connect);
    if (hand.leave) talk.leave();
  };
  return {
    initialize({ model }) {
      model.on("msg:custom", take);
      return () => talk.end();
    },
    render({ model, el }) {
      const place = frame(el, model);
      const ask = actions(model, place);
      place.root.classList.add("wb-demo");
      const tabs = h("div", { class: "wb-demo-tabs", role: "group", "aria-label": "Stories" });
      const title = h("h2", { class: "wb-demo-title" });
      const lead = h("p", { class: "wb-demo-lead" });
      const caption = h("p", { class: "wb-demo-caption", "aria-live": "polite" });
      const said = h("p", { class: "wb-demo-said" });
      const progress = h("progress", { class: "wb-demo-progress", max: "1", value: "0", "aria-label": "How far the story is" });
      const play = button("Play", () => {
        const { state } = model.get("view");
        if (state === "playing") return ask(play, "stop");
        talk.sound.wake();
        ask(play, "play", { page: STAGE });
      }, { class: "wb-button wb-demo-play", "data-key": "play" });
      const full = button("Full screen", () => (document.fullscreenElement ? document.exitFullscreen() : place.root.requestFullscreen().catch((error) => place.say(error.message, "error"))));
      place.tools.append(full);
      const sound = h("p", { class: "wb-demo-sound", role: "status" });
      const wake = button("Let it be heard", () => talk.sound.wake());
      const faces = h("div", { class: "wb-demo-faces", role: "group", "aria-label": "Who takes part" });
      const stage = h("div", { class: "wb-demo-ladder" });
      const matrix = h("div", { class: "wb-matrix", role: "group", "aria-label": "Who hears whom" });
      const show = h("div", { class: "wb-demo-show" }, stage, h("div", { class: "wb-demo-side" }, h("h3", {}, "Who hears whom"), matrix));
      place.body.append(tabs, h("div", { class: "wb-demo-words" }, h("div", {}, title, lead, caption, said), h("div", { class: "wb-demo-do" }, play, sound, wake)), progress, faces, show);
      const ladder = new Ladder(stage, { select: (message) => ladder.mark(message?.key ?? null) });
      let lanes = "";
      let first = "";
      const hearing = () => {
        const { line, microphone } = talk.state;
        const view = model.get("view");
        wake.hidden = !(talk.up && talk.sound.blocked);
        const mic = microphone === "on" ? "You are heard, too." : ["refused", "missing", "insecure", "in use", "failed"].includes(microphone) ? "Without a microphone you only listen." : "";
        if (line === "connected") sound.textContent = `You hear the call in this browser. ${mic}`;
        else if (view.state === "playing" && line === "connecting") sound.textContent = "Connecting this browser…";
        else if (view.state === "playing" && view.heard === false) sound.textContent = "No sound here: a simulated browser takes part.";
        else sound.textContent = view.state === "playing" ? "" : "With sound: this browser takes part in the call. It may ask for the microphone.";
        if (line === "failed" && view.state === "playing") ask(null, "silent");
      };
      talk.addEventListener("change", hearing);
      follow(model, place, (view) => {
        const { stories, chosen, state, messages = [], at = 0, of = 0, parties = [], hears = [] } = view;
        const playing = state === "playing";
        const story = stories.find(({ name }) => name === chosen) || stories[0];
        tabs.hidden = stories.length < 2;
        refill(tabs, stories.map(({ name, title: words }) => button(words.split(":")[0], () => !playing && ask(null, "choose", { story: name }), { "aria-pressed": String(name === story.name), "data-key": `tab-${name}` })));
        title.textContent = story.title;
        lead.textContent = story.lead;
        caption.textContent = playing ? view.caption || "The stage is being set…" : ENDED[state] || "";
        said.textContent = playing ? view.said || "" : view.trouble || "";
        play.textContent = playing ? "Stop" : ENDED[state] ? "Again" : "Play";
        play.classList.toggle("wb-stop", playing);
        progress.value = state === "over" ? 1 : of ? (at - 0.5) / of : 0;
        if (JSON.stringify(view.lanes) !== lanes) {
          lanes = JSON.stringify(view.lanes);
          ladder.lanes(view.lanes || []);
        }
        if ((messages[0]?.key || "") !== first) ladder.clear();
        first = messages[0]?.key || "";
        ladder.put(messages);
        ladder.follow(playing);
        show.hidden = !messages.length;
        const people = (view.lanes || []).filter(({ name }) => !OURS.includes(name));
        refill(faces, people.map(({ name }) => {
          const now = doing(name, messages);
          const phone = name.startsWith("phone");
          const word = phone ? now.word : playing ? (hears[parties.indexOf(name)]?.some(Boolean) ? "hears the call" : "waiting") : "";
          return h("div", { class: `wb-demo-face ${now.word === "ringing" ? "wb-ringing" : ""}` }, icon(phone ? "phone" : "speaker"), h("strong", {}, name), h("span", { class: `wb-badge ${phone ? now.state : ""}` }, word), now.text ? h("q", {}, now.text) : null);
        }));
        refill(matrix, [parties.length ? hearsTable(parties, hears) : h("span", { class: "wb-hint" }, "Nobody is connected yet.")]);
        hearing();
      });
      views += 1;
      return () => {
        talk.removeEventListener("change", hearing);
        views -= 1;
        setTimeout(() => views || talk.leave(), 2000);
      };
    },
  };
};
