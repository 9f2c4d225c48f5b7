// What people see of a line: a softphone for a participant or an endpoint, a handset for a simulated phone. Panels and pages show the same.

import { h, icon, button, reason } from "./elements.js";
import { Sound } from "./sound.js";
import { Line } from "./voice.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const WORDS = { idle: "not connected", connecting: "connecting…", connected: "connected", reconnecting: "reconnecting…", failed: "failed", left: "not connected" };
const COLOURS = { connecting: "wb-wait", connected: "wb-good", reconnecting: "wb-wait", failed: "wb-bad" };
const PHONE = { idle: "on hook", calling: "calling…", ringing: "ringing", talking: "talking" };
const PHONE_COLOURS = { calling: "wb-busy", ringing: "wb-wait", talking: "wb-good" };
const UP = ["connecting", "connected", "reconnecting"];
const OFF = { line: "idle", why: "", path: "", microphone: "off", trouble: "", muted: false };

/** A number as a person writes it. */
export const party = (number) => (number || "").replace(/^\+1(...)(...)(....)$/, "+1 $1 $2 $3");

/** One line and its sound, for as many views as look at it. Event `change`. */
export class Talk extends EventTarget {
  #hidden = () => this.leave();
  sound = new Sound();
  line = null;
  state = OFF;
  phone = null;
  silenced = false;
  microphone = "";
  speaker = "";

  constructor() {
    super();
    this.sound.addEventListener("change", () => this.changed());
    globalThis.addEventListener?.("pagehide", this.#hidden);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  get up() {
    return UP.includes(this.state.line);
  }

  /** Open a line: `grant` has dialect, url and token, and is not kept. */
  connect(grant) {
    if (this.line) this.leave();
    const line = (this.line = new Line({ ...grant, sound: this.sound }));
    line.addEventListener("change", () => {
      // A line that was left may still learn that its microphone is refused.
      if (this.line !== line) return;
      this.state = { ...line.state };
      if (!this.up) this.#rest();
      this.changed();
    });
    line.addEventListener("phone", () => {
      this.phone = line.phone;
      this.silenced &&= this.phone.status === "ringing";
      this.ring();
      this.changed();
    });
    line.connect();
    line.publish(this.microphone);
  }

  /** Hang up the line; the page knows no token any more, the microphone is off. */
  leave() {
    this.line?.close();
    this.#rest();
  }

  /** It is over, for good: a cell that is run again makes another one. */
  end() {
    this.leave();
    globalThis.removeEventListener?.("pagehide", this.#hidden);
    this.sound.end();
  }

  #rest() {
    this.line = null;
    this.phone = null;
    this.ring();
    this.sound.rest();
  }

  ring() {
    this.sound.ring(this.phone?.status === "ringing" && !this.silenced);
  }

  silence() {
    this.silenced = true;
    this.ring();
    this.changed();
  }

  async choose(what, id) {
    this[what] = id;
    if (what === "microphone") await this.line?.publish(id);
    else await this.sound.speaker(id);
  }
}

// -- parts ----------------------------------------------------------------------------------------------------------------------------

function meter(label) {
  const bar = h("span", {});
  const node = h("div", { class: "wb-meter", role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" }, bar);
  return { node, show: (level) => { bar.style.width = `${Math.round(level * 100)}%`; node.setAttribute("aria-valuenow", Math.round(level * 100)); } };
}

function keypad(press) {
  const keys = KEYS.map((digit) => button(digit, () => press(digit), { class: "wb-button wb-key", "aria-label": `Key ${{ "*": "star", "#": "hash" }[digit] || digit}` }));
  const pad = h("div", { class: "wb-pad", role: "group", "aria-label": "Keys" }, ...keys);
  pad.addEventListener("keydown", (event) => {
    const at = KEYS.indexOf(event.key);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[at].click();
  });
  return { pad, explain: (why) => keys.forEach((key) => reason(key, why)) };
}

/** What both faces have: state, microphone and speaker with their levels, mute, keys. Returns the parts and what redraws them. */
function desk(place, talk, host) {
  const failed = (error) => place.say(error.message, "error");
  const badge = h("span", { class: "wb-badge" });
  const facts = h("span", { class: "wb-more wb-facts" });
  const power = button("", () => (talk.up ? talk.leave() : (talk.sound.wake(), host.connect(power))), { class: "wb-button wb-main wb-power" });
  const mute = button("Mute", () => talk.line.mute(!talk.state.muted), { "aria-pressed": "false" });
  const blocked = button("Let it be heard", () => talk.sound.wake(), { class: "wb-button wb-main" });
  const again = button("Try the microphone again", () => talk.line.publish(talk.microphone));
  const trouble = h("div", { class: "wb-trouble", role: "alert" });
  const meters = { in: meter("Level of the microphone"), out: meter("Level of what is heard") };
  const select = (what, label) => {
    const node = h("select", { class: "wb-input", "aria-label": label });
    node.addEventListener("change", () => talk.choose(what, node.value).catch(failed));
    return node;
  };
  const microphone = select("microphone", "Microphone");
  const speaker = select("speaker", "Speaker");
  const { pad, explain } = keypad((digits) => talk.line.press(digits).then(() => place.say(`Pressed ${digits}.`), failed));
  const channel = (name, chosen, level) => h("div", { class: "wb-channel" }, h("span", { class: "wb-more" }, icon(name), name === "mic" ? "Microphone" : "Speaker"), chosen, level.node);
  if (host.alone !== undefined) {
    const open = button("Open in a tab of its own", () => { talk.leave(); host.open(open); }, { class: "wb-button" });
    place.tools.append(reason(open, host.alone));
  }
  const devices = async () => {
    const { microphones, speakers } = await Sound.devices().catch(() => ({ microphones: [], speakers: [] }));
    const fill = (node, found, chosen, none) => {
      const options = found.length ? found : [{ id: "", label: none }];
      node.replaceChildren(...options.map(({ id, label }, at) => h("option", { value: id, selected: id === chosen }, label || `${at + 1}`)));
      node.disabled = !found.length;
    };
    fill(microphone, microphones, talk.microphone, "the system's");
    fill(speaker, speakers, talk.speaker, "the system's");
  };
  let told = "";
  let allowed = "";
  const draw = () => {
    const { line, why, path, microphone: mic, trouble: bad, muted } = talk.state;
    badge.textContent = WORDS[line];
    badge.className = `wb-badge ${COLOURS[line] || ""}`;
    power.textContent = talk.up ? host.words.leave : line === "failed" ? "Reconnect" : host.words.connect;
    power.classList.toggle("wb-main", !talk.up);
    if (!path) facts.textContent = "";
    reason(mute, mic === "on" ? "" : "No microphone is on.");
    mute.setAttribute("aria-pressed", muted);
    mute.textContent = muted ? "Muted" : "Mute";
    blocked.hidden = !(talk.up && talk.sound.blocked);
    again.hidden = !(talk.up && bad);
    const problem = (talk.up && talk.sound.blocked ? "The browser lets nothing be heard yet: press “Let it be heard”. Where that changes nothing there is no speaker. " : "") + bad;
    if (trouble.dataset.told !== problem) {
      trouble.dataset.told = problem;
      trouble.replaceChildren(...(problem ? [icon("alert"), h("span", {}, problem)] : []));
    }
    explain(line === "connected" ? "" : "Keys need a connection.");
    const news = `${WORDS[line]} ${path} ${why}`;
    if (news !== told && (told || line !== "idle")) {
      const words = { connecting: "Connecting…", connected: `Connected by ${path}. ${why}`, reconnecting: `The connection is lost; trying again. ${why}`, failed: why, left: "Left: the microphone is off.", idle: "" };
      place.say(words[line].trim(), line === "failed" ? "error" : line === "connected" ? "ok" : "info");
    }
    told = news;
    if (allowed !== mic) devices();
    allowed = mic;
  };
  const listen = () => {
    const { in: spoken, out } = talk.line ? talk.sound.levels() : { in: 0, out: 0 };
    meters.in.show(spoken);
    meters.out.show(out);
  };
  const measure = async () => {
    const stats = talk.state.line === "connected" && (await talk.line?.stats());
    if (stats) facts.textContent = [stats.path, stats.codec, stats.rtt === null ? "" : `${Math.max(1, Math.round(stats.rtt))} ms`, `${stats.lost} lost`].filter(Boolean).join(" · ");
  };
  const timers = [setInterval(listen, 80), setInterval(measure, 1000)];
  talk.addEventListener("change", draw);
  navigator.mediaDevices?.addEventListener?.("devicechange", devices);
  const end = () => {
    timers.forEach(clearInterval);
    talk.removeEventListener("change", draw);
    navigator.mediaDevices?.removeEventListener?.("devicechange", devices);
  };
  const sound = h("div", { class: "wb-sound" }, channel("mic", microphone, meters.in), channel("speaker", speaker, meters.out), trouble, h("div", { class: "wb-row-of-buttons" }, blocked, again));
  draw();
  return { bar: [power, mute, badge, facts], sound, pad, end, failed };
}

// -- faces ----------------------------------------------------------------------------------------------------------------------------

/** A participant's or endpoint's softphone. `host` has `connect(node)`, which leads to `talk.connect(grant)`; `open(node)` and `alone`, why not. */
export function softphone(place, talk, host) {
  const { bar, sound, pad, end } = desk(place, talk, { ...host, words: { connect: "Connect", leave: "Leave" } });
  place.body.append(h("div", { class: "wb-bar" }, ...bar), h("div", { class: "wb-desk" }, sound, pad));
  return end;
}

/** A simulated phone. `host` is that of `softphone`, and has `dial(node, to)`; `first` is the number to call. */
export function handset(place, talk, host) {
  const { bar, sound, pad, end, failed } = desk(place, talk, { ...host, words: { connect: "Take the handset", leave: "Put it away" } });
  const ask = (method, params, done = "") => talk.line.ask(method, params).then(() => done && place.say(done), failed);
  const bell = h("span", { class: "wb-bell" }, icon("bell"));
  const status = h("span", { class: "wb-badge", role: "status" });
  const other = h("span", { class: "wb-who" });
  const answer = button("Answer", () => ask("answer"), { class: "wb-button wb-go" });
  const reject = button("Reject", () => ask("reject"), { class: "wb-button wb-stop" });
  const hangup = button("Hang up", () => ask("hangup"), { class: "wb-button wb-stop" });
  const silence = button("Silence the bell", () => talk.silence());
  const to = h("input", { class: "wb-input", type: "tel", value: host.first || "", placeholder: "+1 919 555 0100", autocomplete: "off", "data-key": "to" });
  const dial = button("Call", () => Promise.resolve(host.dial(dial, to.value)).catch(failed));
  const text = h("input", { class: "wb-input wb-long", type: "text", maxlength: "500", placeholder: "Hello, this is the phone.", "data-key": "say" });
  const say = button("Speak", () => text.value.trim() && ask("say", { text: text.value.trim() }, `The phone says: ${text.value.trim()}`));
  to.addEventListener("keydown", (event) => event.key === "Enter" && dial.click());
  text.addEventListener("keydown", (event) => event.key === "Enter" && say.click());
  const call = h("div", { class: "wb-call" }, bell, status, other, h("span", { class: "wb-tools" }, answer, reject, hangup, silence));
  const form = h("div", { class: "wb-form" }, h("label", {}, "Number to call", to), dial, h("label", { class: "wb-grow" }, "Have the phone say", text), say);
  place.body.append(h("div", { class: "wb-bar" }, ...bar), call, form, h("div", { class: "wb-desk" }, sound, pad));
  const draw = () => {
    const { status: now = "", from, to: called, number } = talk.phone || {};
    const far = party(from === number ? called : from);
    const off = talk.state.line === "connected" ? "" : "Take the handset first.";
    const words = now === "ringing" && far ? `ringing: ${far}` : PHONE[now] || "off";
    if (status.textContent !== words) status.textContent = words;
    status.className = `wb-badge ${PHONE_COLOURS[now] || ""}`;
    place.root.classList.toggle("wb-ringing", now === "ringing");
    bell.hidden = now !== "ringing";
    other.textContent = far && now !== "ringing" ? `${now === "talking" ? "with " : ""}${far}` : "";
    reason(answer, off || (now === "ringing" ? "" : "It is not ringing."));
    reason(reject, off || (now === "ringing" ? "" : "It is not ringing."));
    reason(hangup, off || (["calling", "talking"].includes(now) ? "" : "It is in no call."));
    reason(dial, off || (now === "idle" ? "" : "It is in a call."));
    reason(say, off || (now === "talking" ? "" : "Nobody is there to hear it."));
    silence.hidden = now !== "ringing" || talk.silenced;
  };
  talk.addEventListener("change", draw);
  draw();
  return () => {
    end();
    talk.removeEventListener("change", draw);
  };
}
