// When each message of a finished flow is shown: on the platform's time, with long silences shortened, or as fast as it can be read.

const LONG = 3;
const SHORTENED = 1.2;
// A person reads about so many characters a second, and needs a moment for the arrow.
const READ = 24;
const GLANCE = 0.8;

export const SPEEDS = [
  { name: "1×", rate: 1 },
  { name: "2×", rate: 2 },
  { name: "4×", rate: 4 },
  { name: "as fast as readable", rate: 0 },
];

/** Messages with `t`, seconds since the first. What has no time happens with what came before it; the first known time is the start. */
export function timeline(messages, sounds) {
  const steps = [...messages].sort((one, other) => one.place - other.place);
  const known = [...steps.map(({ at }) => at), ...sounds.map(({ at }) => at)].filter((at) => at !== null);
  const first = known.length ? Math.min(...known) : 0;
  let now = 0;
  for (const step of steps) step.t = now = step.at === null ? now : Math.max(now, step.at - first);
  const heard = sounds.map((sound) => ({ ...sound, start: sound.at - first }));
  // Where each step is in the film: silences without a recording are cut.
  const loud = (from, to) => heard.some(({ start, seconds: lasts }) => start < to && start + lasts > from);
  let film = 0;
  steps.forEach((step, at) => {
    const gap = at ? step.t - steps[at - 1].t : 0;
    step.cut = gap > LONG && !loud(steps[at - 1].t, step.t) ? gap : 0;
    film += step.cut ? SHORTENED : gap;
    step.film = film;
  });
  return { steps, sounds: heard, length: now, film };
}

/** Walks through the steps. Event `change` when another step is shown, `tick` while it plays. */
export class Playback extends EventTarget {
  #timer = null;
  #last = 0;
  #wait = 0;
  index = -1;
  playing = false;
  all = true;
  at = 0;
  speed = SPEEDS[0];

  constructor(line) {
    super();
    this.line = line;
  }

  /** What plays now, for recordings; `silence` is how long the silence is that is being shortened. */
  get state() {
    const { steps } = this.line;
    const next = steps[this.index + 1];
    const here = steps[this.index];
    const from = here || { film: 0, t: 0 };
    const cut = this.playing && next?.cut && this.speed.rate ? next.cut : 0;
    const t = cut ? from.t : from.t + Math.max(0, this.at - from.film);
    return { at: t, playing: this.playing, rate: this.speed.rate, silence: cut };
  }

  /** Everything at once, nothing picked: how a capsule opens. */
  whole() {
    this.pause();
    this.all = true;
    this.index = -1;
    this.#tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.playing) return;
    if (this.index >= this.line.steps.length - 1 || (this.all && this.index < 0)) this.#place(-1);
    this.all = false;
    this.playing = true;
    this.#last = performance.now();
    this.#wait = 0;
    this.#tell();
    this.#timer = setInterval(() => this.#move(), 40);
    if (this.index < 0) this.step(1, true);
  }

  pause() {
    clearInterval(this.#timer);
    this.playing = false;
    this.#tell();
  }

  /** To a step; `look`: without hiding what comes after it, when all is shown. */
  go(index, look = false) {
    this.pause();
    this.all = look && this.all;
    this.#place(Math.max(-1, Math.min(index, this.line.steps.length - 1)));
    this.#tell();
  }

  step(by, on = false) {
    if (!on) this.pause();
    if (!on) this.all = false;
    this.#place(Math.max(0, Math.min(this.index + by, this.line.steps.length - 1)));
    this.#tell();
  }

  #place(index) {
    this.index = index;
    this.at = this.line.steps[index]?.film ?? 0;
    this.#wait = 0;
  }

  #move() {
    const now = performance.now();
    const passed = (now - this.#last) / 1000;
    this.#last = now;
    const { steps } = this.line;
    if (this.speed.rate) {
      this.at += passed * this.speed.rate;
      let index = this.index;
      while (index + 1 < steps.length && steps[index + 1].film <= this.at) index += 1;
      this.#show(index);
    } else {
      this.#wait += passed;
      if (this.#wait >= GLANCE + (steps[this.index]?.says.length || 0) / READ) {
        this.#show(this.index + 1);
        this.at = steps[this.index]?.film ?? 0;
        this.#wait = 0;
      }
    }
    this.dispatchEvent(new Event("tick"));
    // A recording may go on after the last message.
    const over = Math.max(0, ...this.line.sounds.map(({ start, seconds: lasts }) => start + lasts - this.line.length));
    if (this.index >= steps.length - 1 && (!this.speed.rate || this.at >= this.line.film + over)) this.pause();
  }

  #show(index) {
    const next = Math.min(index, this.line.steps.length - 1);
    if (next === this.index) return;
    this.index = next;
    this.dispatchEvent(new Event("change"));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
    this.dispatchEvent(new Event("tick"));
  }
}
