// Sound in the page: the microphone in, voices out, how loud both are, and frames of 16-bit sound for where no WebRTC goes.

const RING_SECONDS = { on: 1.2, off: 1.8 };

// 20 ms frames at `rate`, made of and played as whatever rate the page's sound has. The player keeps 60 ms in hand, and lets go what is
// more than 240 ms behind: a socket brings late what a network would have lost.
const WORKLET = `
registerProcessor("wb-sender", class extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, samples } }) {
    super();
    Object.assign(this, { step: sampleRate / rate, samples, frame: new Int16Array(samples), at: 0, sum: 0, count: 0, due: 0 });
  }
  process([[input]]) {
    const length = input ? input.length : 128;
    for (let i = 0; i < length; i += 1) {
      this.sum += input ? input[i] : 0;
      this.count += 1;
      this.due += 1;
      if (this.due < this.step) continue;
      this.due -= this.step;
      const value = Math.max(-1, Math.min(1, this.sum / this.count));
      this.frame[this.at] = Math.round(value * 32767);
      this.at += 1;
      this.sum = this.count = 0;
      if (this.at === this.samples) {
        this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
        this.frame = new Int16Array(this.samples);
        this.at = 0;
      }
    }
    return true;
  }
});
registerProcessor("wb-player", class extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    Object.assign(this, { step: rate / sampleRate, frames: [], at: 0, last: 0, playing: false, lost: 0 });
    this.port.onmessage = ({ data }) => {
      this.frames.push(new Int16Array(data));
      if (this.frames.length > 12) this.drop(this.frames.length - 3);
    };
  }
  drop(count) {
    this.frames.splice(0, count);
    this.at = 0;
    this.tell(count);
  }
  tell(count) {
    this.lost += count;
    this.port.postMessage(this.lost);
  }
  process(_inputs, [[output]]) {
    if (!this.playing && this.frames.length >= 3) this.playing = true;
    for (let i = 0; this.playing && i < output.length; i += 1) {
      const frame = this.frames[0], whole = Math.floor(this.at), after = whole + 1 < frame.length ? frame[whole + 1] : (this.frames[1] || frame)[0];
      output[i] = (frame[whole] + (after - frame[whole]) * (this.at - whole)) / 32768;
      this.at += this.step;
      if (this.at < frame.length) continue;
      this.at -= frame.length;
      this.frames.shift();
      if (!this.frames.length) {
        this.playing = false;
        this.at = 0;
      }
    }
    return true;
  }
});`;

/** Why there is no microphone, in a word for programs and a sentence for people. */
export function hardship(error) {
  const known = {
    insecure: ["insecure", "This page is no secure context, so browsers give it no microphone. Open it by https, or at localhost or 127.0.0.1."],
    NotAllowedError: ["refused", "The microphone was refused. Allow it beside the address bar, then try again."],
    NotFoundError: ["missing", "There is no microphone. Plug one in, then try again."],
    OverconstrainedError: ["missing", "The chosen microphone is gone. Choose another one."],
    NotReadableError: ["in use", "The microphone is in use by another program, or the system keeps it from the browser."],
    AbortError: ["in use", "The microphone could not be started."],
  };
  return known[error.name] || known[error.message] || ["failed", `The microphone does not work: ${error.message}`];
}

/** How loud it is, from 0 (nothing) to 1: what an analyser hears, on a scale of 60 dB. */
function loudness(analyser) {
  if (!analyser) return 0;
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
  return power < 1e-6 ? 0 : Math.min(1, 1 + (10 * Math.log10(power)) / 60);
}

export class Sound extends EventTarget {
  #context = null;
  #loaded = null;
  #input = null;
  #source = null;
  #voices = new Map();
  #speaker = "";
  #ring = null;
  blocked = false;

  /** To be called in a click: browsers let nothing sound before. */
  async wake() {
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      // It may take longer to start than one can wait for: Firefox opens the speaker first.
      this.#context.onstatechange = () => this.blocked && this.#context.state === "running" && this.wake();
    }
    if (!this.inputMeter) {
      this.inputMeter = this.#context.createAnalyser();
      this.outputMeter = this.#context.createAnalyser();
    }
    const started = [...this.#voices.values()].map((voice) => voice.element.play());
    // Where it is blocked, it neither starts nor fails.
    const late = new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.race([this.#context.resume(), late]);
    const played = await Promise.race([Promise.allSettled(started), late]);
    this.#isBlocked(this.#context.state !== "running" || (played || []).some((one) => one.status === "rejected"));
  }

  #isBlocked(blocked) {
    if (blocked === this.blocked) return;
    this.blocked = blocked;
    this.dispatchEvent(new Event("change"));
  }

  get context() {
    return this.#context;
  }

  /** A microphone's sound: the one of this id, else the system's. What keeps it away is thrown; see `hardship`. */
  static microphone(id = "") {
    if (!navigator.mediaDevices?.getUserMedia) return Promise.reject(new Error("insecure"));
    const how = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    return navigator.mediaDevices.getUserMedia({ audio: id ? { ...how, deviceId: { exact: id } } : how });
  }

  /** Microphones and speakers: `{microphones, speakers}` of `{id, label}`. Labels come once a microphone was allowed. */
  static async devices() {
    const found = (await navigator.mediaDevices?.enumerateDevices()) || [];
    const kind = (wanted) => found.filter((one) => one.kind === wanted && one.deviceId).map((one) => ({ id: one.deviceId, label: one.label }));
    return { microphones: kind("audioinput"), speakers: "setSinkId" in HTMLMediaElement.prototype ? kind("audiooutput") : [] };
  }

  /** What goes out is this stream from now on, or nothing. */
  take(stream) {
    this.#source?.disconnect();
    this.#source = stream && this.#context.createMediaStreamSource(stream);
    this.#source?.connect(this.inputMeter);
    if (this.#input) this.#source?.connect(this.#input);
  }

  /** Let a stream be heard. */
  hear(stream) {
    if (this.#voices.has(stream.id)) return;
    const element = new Audio();
    element.srcObject = stream;
    const source = this.#context.createMediaStreamSource(stream);
    source.connect(this.outputMeter);
    this.#voices.set(stream.id, { element, source });
    if (this.#speaker) element.setSinkId(this.#speaker).catch(() => {});
    element.play().catch((error) => error.name === "NotAllowedError" && this.#isBlocked(true));
  }

  /** Let it be heard no more; without an id, nothing at all. */
  unhear(id) {
    for (const [known, voice] of this.#voices) {
      if (id !== undefined && id !== known) continue;
      voice.source.disconnect();
      voice.element.srcObject = null;
      this.#voices.delete(known);
    }
  }

  /** Have all be heard at a speaker, by its id. */
  async speaker(id) {
    this.#speaker = id;
    await Promise.all([...this.#voices.values()].map((voice) => voice.element.setSinkId(id)));
  }

  /** Frames of 16-bit mono: `send` gets the microphone's, `play` takes those to be heard. Returns `{play, lost, stop}`. */
  async frames(rate, milliseconds, send) {
    const context = this.#context;
    if (!context.audioWorklet) throw new Error("this page is no secure context, where browsers let no sound go over a WebSocket");
    this.#loaded ||= context.audioWorklet.addModule(URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" })));
    await this.#loaded;
    const sender = new AudioWorkletNode(context, "wb-sender", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit", processorOptions: { rate, samples: (rate * milliseconds) / 1000 } });
    const player = new AudioWorkletNode(context, "wb-player", { numberOfInputs: 0, outputChannelCount: [1], processorOptions: { rate } });
    const out = context.createMediaStreamDestination();
    const told = { lost: 0 };
    sender.port.onmessage = ({ data }) => this.#source && send(data);
    player.port.onmessage = ({ data }) => (told.lost = data);
    player.connect(out);
    this.#input = sender;
    this.#source?.connect(sender);
    this.hear(out.stream);
    return {
      play: (frame) => player.port.postMessage(frame, [frame]),
      lost: () => told.lost,
      stop: () => {
        sender.port.onmessage = null;
        this.#source?.disconnect(sender);
        if (this.#input === sender) this.#input = null;
        player.disconnect();
        this.unhear(out.stream.id);
      },
    };
  }

  /** How loud the microphone and the voices are, each from 0 to 1. */
  levels() {
    return { in: this.#source ? loudness(this.inputMeter) : 0, out: loudness(this.outputMeter) };
  }

  /** Ring like a telephone, or stop. It is no voice: the meters do not see it. */
  ring(on) {
    if (!on) {
      this.#ring?.stop();
      this.#ring = null;
    } else if (!this.#ring && this.#context) {
      this.#ring = ringing(this.#context);
    }
  }

  get rings() {
    return this.#ring !== null;
  }

  /** Cost nothing until it is woken again. */
  rest() {
    this.#context?.suspend();
    this.#isBlocked(false);
  }

  /** Let go of everything. */
  end() {
    this.rest();
    this.#context?.close();
    this.#context = this.#loaded = this.inputMeter = this.outputMeter = null;
  }
}

function ringing(context) {
  const gain = context.createGain();
  gain.gain.value = 0;
  gain.connect(context.destination);
  const tones = [880, 1108].map((frequency) => {
    const tone = new OscillatorNode(context, { type: "triangle", frequency });
    tone.connect(gain);
    tone.start();
    return tone;
  });
  const once = () => {
    // Twenty strokes a second, as a bell has.
    for (let at = 0; at < RING_SECONDS.on; at += 0.05) gain.gain.setTargetAtTime(Math.round(at * 20) % 2 ? 0.01 : 0.12, context.currentTime + at, 0.008);
    gain.gain.setTargetAtTime(0, context.currentTime + RING_SECONDS.on, 0.02);
  };
  once();
  const timer = setInterval(once, (RING_SECONDS.on + RING_SECONDS.off) * 1000);
  const stop = () => {
    clearInterval(timer);
    tones.forEach((tone) => tone.stop());
    gain.disconnect();
  };
  return { stop };
}
