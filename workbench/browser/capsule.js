// A finished flow in a file of its own: it plays, is stepped through and looked into, without a kernel and without a network.

import { h, icon, button, box, refill } from "./elements.js";
import { Ladder } from "./ladder.js";
import { Playback, timeline, SPEEDS } from "./playback.js";
import { hearsTable } from "./hears.js";
import { detailsOf } from "./details.js";

const told = JSON.parse(document.getElementById("capsule").textContent);
const seconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

/** Light and dark: as the system has it, until somebody switches. */
function theme(root) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const node = button("", () => {
    chosen = !(chosen ?? dark.matches);
    show();
  });
  const show = () => {
    const on = chosen ?? dark.matches;
    root.classList.toggle("wb-dark", on);
    document.body.classList.toggle("wb-dark", on);
    node.textContent = on ? "Light" : "Dark";
    node.setAttribute("aria-label", on ? "Switch to light colours" : "Switch to dark colours");
  };
  dark.addEventListener("change", show);
  show();
  return node;
}

/** Recordings, each played in time with the ladder when it is its turn. */
function speakers(sounds) {
  return sounds.map((sound) => {
    const node = h("audio", { controls: true, preload: "auto", src: sound.src, "aria-label": sound.name });
    const drift = (at) => {
      const due = at - sound.start;
      if (Math.abs(node.currentTime - due) > 0.35) node.currentTime = due;
    };
    const follow = ({ at, playing, rate }) => {
      const inside = at >= sound.start && at < sound.start + sound.seconds;
      if (!playing || !inside || !rate) return void (playing !== null && node.pause());
      node.playbackRate = rate;
      drift(at);
      if (node.paused) node.play().catch(() => {});
    };
    return { node, follow, name: sound.name };
  });
}

/** The last picture of who hears whom at this place. */
const pictureAt = (place) => told.pictures.filter((picture) => picture.place <= place).at(-1) || { parties: [], hears: [] };

const options = (values, all) => [h("option", { value: "" }, all), ...[...new Set(values)].filter(Boolean).map((value) => h("option", { value }, value))];

function start() {
  const el = document.querySelector("main");
  const place = box(el, told.title);
  const line = timeline(told.messages, told.sounds);
  const sounds = speakers(line.sounds);
  const play = new Playback(line);
  const { steps } = line;
  place.count.textContent = `${steps.length} messages in ${seconds(line.length)}`;
  place.tools.append(theme(place.root));

  const said = h("p", { class: "wb-narration", "aria-live": "polite" });
  const where = h("span", { class: "wb-more wb-where" });
  const silence = h("span", { class: "wb-badge wb-wait", role: "status" });
  const toggle = button("Play", () => play.toggle(), { class: "wb-button wb-main wb-play", "data-key": "play" });
  const slider = h("input", { type: "range", class: "wb-slider", min: "0", max: String(steps.length), step: "1", value: String(steps.length), "aria-label": "Place in the call" });
  slider.addEventListener("input", () => play.go(Number(slider.value) - 1));
  const speed = h("select", { class: "wb-input wb-short wb-speed", "aria-label": "Speed" }, ...SPEEDS.map(({ name }, at) => h("option", { value: at }, name)));
  speed.addEventListener("change", () => (play.speed = SPEEDS[speed.value]));
  const bar = h(
    "div",
    { class: "wb-bar wb-player" },
    toggle,
    button("Back", () => play.step(-1), { "aria-label": "One message back" }),
    button("Next", () => play.step(1), { "aria-label": "One message on" }),
    slider,
    h("label", { class: "wb-more" }, "Speed ", speed),
    where,
    silence,
  );

  const text = h("input", { class: "wb-input", type: "search", placeholder: "Find a message", "aria-label": "Find a message" });
  const leg = h("select", { class: "wb-input wb-short", "aria-label": "Leg" }, ...options(steps.map((one) => one.leg), "all legs"));
  const kind = h("select", { class: "wb-input wb-short", "aria-label": "Kind of message" }, ...options(steps.map((one) => one.kind), "all kinds"));
  const found = h("span", { class: "wb-more", role: "status" });
  const sift = () => {
    ladder.filter({ text: text.value, leg: leg.value, kind: kind.value });
    ladder.mark(steps[play.index]?.key || null);
    const { all, shown } = ladder.counts || {};
    found.textContent = text.value || leg.value || kind.value ? `${shown} of ${all}` : "";
  };
  for (const node of [text, leg, kind]) node.addEventListener("input", sift);
  const filter = h("div", { class: "wb-bar wb-filter" }, text, leg, kind, found);

  const stage = h("div", { class: "wb-stage" });
  const hears = h("div", { class: "wb-matrix", role: "group", "aria-label": "Who hears whom" });
  const close = h("div", { class: "wb-close-look" });
  const listen = h("div", { class: "wb-recordings" }, ...sounds.map(({ node, name }) => h("label", { class: "wb-more" }, icon("speaker"), ` ${name}`, node)));
  const side = h("div", { class: "wb-aside" }, listen, told.pictures.length ? h("div", {}, h("h2", {}, "Who hears whom"), hears) : null, close);
  const log = h("ol", { class: "wb-unseen", role: "log", "aria-label": "What has happened so far" });
  // On paper nothing plays: the whole story in sentences.
  const script = h("ol", { class: "wb-script" }, ...steps.map((one) => h("li", {}, h("span", { class: "wb-rung-time" }, `+${one.t.toFixed(1)} s `), one.says)));
  place.body.append(h("div", { class: "wb-tale" }, said), bar, filter, h("div", { class: "wb-scene" }, stage, side), log, script);

  const ladder = new Ladder(stage, { select: (message) => message && play.go(steps.findIndex((one) => one.key === message.key), true) });
  ladder.lanes(told.lanes);
  ladder.put(steps);
  let seen = "";
  let heard = -1;
  const look = (message) => {
    if (seen === (message?.key || "")) return;
    seen = message?.key || "";
    const detail = message && told.details[message.event];
    const more = detail ? detailsOf(detail) : message?.note ? h("pre", { class: "wb-pre" }, message.note) : h("p", { class: "wb-hint" }, message ? "Nothing more was sent." : "Pick a message, and see here what was sent.");
    close.replaceChildren(h("h2", {}, message ? message.label : "A closer look"), message?.note && detail && message.kind !== "reply" ? h("p", { class: "wb-more" }, message.note) : "", more);
    if (message?.truth) close.append(h("p", {}, h("span", { class: `wb-badge wb-${message.truth}` }, message.truth), h("span", { class: "wb-more" }, ` ${message.rule}`)));
  };
  play.addEventListener("change", () => {
    const { index, playing, all } = play;
    const message = steps[index] || null;
    // Looked into from the whole, the rest of the ladder stays.
    ladder.until(all || !message ? (all ? null : -1) : message.place);
    ladder.mark(message ? message.key : null);
    said.textContent = message ? message.says : all ? `${told.title}: press Play, and watch the call happen.` : "Before the call.";
    where.textContent = message ? `message ${index + 1} of ${steps.length} · +${message.t.toFixed(1)} s` : "";
    slider.value = String(all && !message ? steps.length : index + 1);
    slider.setAttribute("aria-valuetext", where.textContent || "everything");
    toggle.textContent = playing ? "Pause" : index >= steps.length - 1 ? "Play again" : "Play";
    look(message);
    const picture = pictureAt(message ? message.place : Infinity);
    if (told.pictures.length) refill(hears, [picture.parties.length ? hearsTable(picture.parties, picture.hears) : h("span", { class: "wb-hint" }, "Nobody is connected yet.")]);
    if (playing && index > heard && message) log.append(h("li", {}, message.says));
    heard = index;
  });
  play.addEventListener("tick", () => {
    const { state } = play;
    silence.hidden = !state.silence;
    silence.textContent = state.silence ? `${seconds(state.silence)} of silence, shortened` : "";
    for (const one of sounds) one.follow(state);
  });
  const keys = { " ": () => play.toggle(), k: () => play.toggle(), ArrowRight: () => play.step(1), ArrowLeft: () => play.step(-1), Home: () => play.go(0), End: () => play.go(steps.length - 1), "/": () => text.focus() };
  addEventListener("keydown", (event) => event.target === document.body && take(event));
  place.root.addEventListener("keydown", (event) => take(event));
  function take(event) {
    const own = ["INPUT", "SELECT", "TEXTAREA", "AUDIO"].includes(event.target.tagName) || (event.target.tagName === "BUTTON" && event.key === " ");
    if (own || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
  silence.hidden = true;
  play.whole();
  document.body.dataset.ready = String(Math.round(performance.now()));
}

start();
