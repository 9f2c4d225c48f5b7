// One line to the platform: its signalling (classic v3, BRTC, or a simulated phone's own), and sound by WebRTC, else by frames over the socket.

import { Sound, hardship } from "./sound.js";

const VERSION = "workbench";
const WEBRTC_SECONDS = 4;
// A browser finds its own addresses in milliseconds, if it has any but loopback.
const NOWHERE_SECONDS = 1;
const ASK_SECONDS = 15;
const PING_SECONDS = 5;
// The platform keeps the media of a line whose socket broke for so long.
const KEPT_SECONDS = 8;
const FIRST_TRIES = 3;
const MOST_TRIES = 60;
const GOOD_BYE = 1000;

const ADDRESSES = {
  v3: (line) => `${line.url}/v3/?token=${line.token}&client=browser&sdkVersion=${VERSION}&uniqueId=${line.id}`,
  brtc: (line) => `${line.url}?client=node&sdkVersion=${VERSION}&uniqueId=${line.id}&endpointToken=${line.token}`,
  handset: (line) => `${line.url}/_local/handset?ticket=${line.token}&uniqueId=${line.id}`,
};

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** A random UUID; `crypto.randomUUID` is only there in a secure context. */
const unique = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) => (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));

/**
 * Events: `change` (look at `state`), `phone` (a handset's telephone has changed; look at `phone`).
 *
 * `state.line`: idle, connecting, connected, reconnecting, failed or left, `state.why` in words; `state.path`: WebRTC, PCM or "";
 * `state.microphone`: off, on, refused, missing, in use, insecure or failed, `state.trouble` in words; `state.muted`.
 */
export class Line extends EventTarget {
  #socket = null;
  #asked = new Map();
  #number = 0;
  #tries = 0;
  #opened = false;
  #up = null;
  #down = null;
  #sender = null;
  #frames = null;
  #track = null;
  #revision = 0;
  #turn = 0;
  #ready = null;
  #hearing = null;
  #negotiating = Promise.resolve();
  #rtt = null;
  #pinging = null;
  #own = false;
  #live = false;
  #note = "";
  #since = 0;
  phone = null;
  state = { line: "idle", why: "", path: "", microphone: "off", trouble: "", muted: false };

  /** `dialect`: v3, brtc or handset; `url`: ws(s)://…; `token`: the token or ticket; `path`: auto, WebRTC or PCM; `patience`:
   *  seconds that WebRTC gets to connect; `sound`: shared with who shows it. */
  constructor({ dialect, url, token, path = "auto", patience = WEBRTC_SECONDS, sound = new Sound() }) {
    super();
    Object.assign(this, { dialect, url: url.replace(/\/$/, ""), token: encodeURIComponent(token), wanted: path, patience, sound, id: unique() });
  }

  #tell(change) {
    Object.assign(this.state, change);
    this.dispatchEvent(new Event("change"));
  }

  /** Open the line. To be called in a click, for the sound's sake. What becomes of it is told by `change`. */
  connect() {
    this.sound.wake();
    this.#tell({ line: "connecting", why: "" });
    this.#open();
  }

  /** Leave, for good: this line is forgotten, its microphone is off. */
  close(line = "left", why = "") {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ jsonrpc: "2.0", method: "leave" }));
    this.#socket = null;
    this.#turn += 1;
    socket?.close(GOOD_BYE);
    clearInterval(this.#pinging);
    this.#giveUp("the line was left");
    this.#hangUp();
    this.#drop();
    this.token = "";
    this.phone = null;
    this.#tell({ line, why, path: "", microphone: "off", trouble: "", muted: false });
  }

  // -- the socket -------------------------------------------------------------------------------------------------------------------

  #open() {
    const socket = (this.#socket = new WebSocket(ADDRESSES[this.dialect](this)));
    socket.binaryType = "arraybuffer";
    const mine = (act) => (event) => this.#socket === socket && act(event);
    socket.onopen = mine(() => this.#come());
    socket.onmessage = mine(({ data }) => (typeof data === "string" ? this.#heard(JSON.parse(data)) : this.#frames?.play(data)));
    socket.onclose = mine((event) => this.#lost(event));
  }

  #come() {
    this.#tries = 0;
    this.#opened = true;
    clearInterval(this.#pinging);
    this.#pinging = setInterval(() => this.#ping(), PING_SECONDS * 1000);
    // Media over UDP does not notice that a socket has gone; BRTC's newest client makes it anew all the same.
    const kept = this.#up?.connectionState === "connected" && performance.now() - this.#since < KEPT_SECONDS * 1000;
    if (kept && this.dialect !== "brtc") this.#tell({ line: "connected", why: this.#note });
    else this.#start();
  }

  async #lost({ code, reason }) {
    this.#giveUp("the connection was lost");
    clearInterval(this.#pinging);
    if (!this.#tries) this.#since = performance.now();
    this.#tries += 1;
    this.#socket = null;
    if (code === GOOD_BYE) return this.close("failed", reason ? `The platform has ended the line: ${reason}` : "The platform has ended the line.");
    if (this.#tries >= (this.#opened ? MOST_TRIES : FIRST_TRIES)) return this.close("failed", this.#opened ? "The platform has not come back. If its workbench was closed or its kernel restarted, run the cells again." : "The platform cannot be reached, or it does not admit this line: its token may be wrong, expired or in use. If its workbench was closed, run its cells again.");
    this.#tell({ line: this.#opened ? "reconnecting" : "connecting", why: reason ? `Lost: ${reason}` : "" });
    const turn = this.#turn;
    await wait(Math.min(5, this.#opened ? this.#tries : 0.5));
    if (turn === this.#turn && !this.#socket) this.#open();
  }

  /** Ask the platform for something; the answer's result. */
  ask(method, params = {}) {
    const id = (this.#number += 1);
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new Error("there is no connection"));
      const timer = setTimeout(() => this.#answered(id, { error: new Error(`no answer to ${method}`) }), ASK_SECONDS * 1000);
      this.#asked.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", method, params, id }));
    });
  }

  #answered(id, { result, error }) {
    const { resolve, reject, timer } = this.#asked.get(id) || {};
    this.#asked.delete(id);
    clearTimeout(timer);
    if (error) reject?.(error instanceof Error ? error : new Error(`the platform says: ${error.message || error}`));
    else resolve?.(result ?? {});
  }

  #giveUp(message) {
    for (const id of [...this.#asked.keys()]) this.#answered(id, { error: new Error(message) });
  }

  #heard(message) {
    if (message.id !== undefined && message.id !== null && !message.method) return this.#answered(message.id, message);
    const { method, params = {} } = message;
    if (method === "sdpOffer") this.#negotiate(() => this.#subscribe(params)).catch(() => {});
    else if (method === "ready") this.#ready?.();
    else if (method === "phone") {
      this.phone = params;
      this.dispatchEvent(new Event("phone"));
    }
  }

  async #ping() {
    const began = performance.now();
    await this.ask("ping").catch(() => {});
    this.#rtt = performance.now() - began;
  }

  // -- media ------------------------------------------------------------------------------------------------------------------------

  async #start() {
    const turn = (this.#turn += 1);
    try {
      await this.#media(turn);
    } catch (error) {
      if (turn === this.#turn && this.#socket?.readyState === WebSocket.OPEN) this.close("failed", `There is no line: ${error.message}.`);
    }
  }

  async #media(turn) {
    this.#hangUp();
    if (this.wanted !== "PCM") {
      try {
        await within(this.patience, this.#webrtc(turn));
        return turn === this.#turn && this.#tell({ line: "connected", path: "WebRTC", why: "" });
      } catch (error) {
        if (turn !== this.#turn || this.#socket?.readyState !== WebSocket.OPEN) return;
        if (this.wanted === "WebRTC") throw error;
        this.#note = `WebRTC did not connect (${error.message}): sound goes over the WebSocket.`;
        this.wanted = "PCM";
        this.#hangUp();
      }
    }
    const told = await this.ask("setMediaPreferences", { protocol: "PCM" });
    const socket = this.#socket;
    const frames = await this.sound.frames(told.sampleRate || 16000, told.frameMs || 20, (frame) => {
      // What cannot leave at once would only be late.
      if (this.#socket?.readyState === WebSocket.OPEN && this.#socket.bufferedAmount < 16000) this.#socket.send(frame);
    });
    if (turn !== this.#turn || socket !== this.#socket) return frames.stop();
    this.#frames = frames;
    this.#ping();
    this.#tell({ line: "connected", path: "PCM", why: this.#note });
  }

  async #webrtc(turn) {
    if (!globalThis.RTCPeerConnection) throw new Error("this browser has none");
    const ready = new Promise((resolve) => (this.#ready = resolve));
    const hearing = new Promise((resolve) => (this.#hearing = resolve));
    const told = await this.ask("setMediaPreferences", { protocol: "WEBRTC", ...(this.dialect === "brtc" && { autoAccept: true }) });
    if (turn !== this.#turn) return;
    const up = (this.#up = this.#peer());
    if (this.dialect === "brtc") {
      await this.#answer(up, told.publishSdpOffer.sdpOffer, "publish");
      await this.#negotiate(() => this.#subscribe(told.subscribeSdpOffer));
      await Promise.race([ready, nowhere(up)]);
    } else {
      await this.#publish();
      // Over loopback one of the two may come up without the other; a platform may offer the second one only when there is something to hear.
      const both = connected(up).then(() => this.#down && hearing);
      await Promise.race([both, nowhere(up)]);
    }
    if (up !== this.#up) return;
    this.#live = true;
    up.onconnectionstatechange = () => up === this.#up && up.connectionState === "failed" && this.#socket?.readyState === WebSocket.OPEN && this.#start();
    if (this.#track && !this.#sender) await this.#publish();
  }

  #peer() {
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    const heartbeat = (channel) => (channel.onmessage = ({ data }) => data === "PING" && channel.send("PONG"));
    if (this.dialect === "brtc") peer.ondatachannel = ({ channel }) => heartbeat(channel);
    else ["__heartbeat__", "__diagnostics__"].forEach((label, id) => heartbeat(peer.createDataChannel(label, { id, negotiated: true, protocol: "udp" })));
    return peer;
  }

  /** Offer what is sent now: a microphone, or only the channel that keeps the connection alive. */
  #publish() {
    return this.#negotiate(async () => {
      const up = this.#up;
      if (!up) return;
      const stream = this.#track && new MediaStream([this.#track]);
      if (this.#track && this.#sender) return this.#sender.replaceTrack(this.#track);
      this.#sender = this.#track && up.addTrack(this.#track, stream);
      await up.setLocalDescription(await up.createOffer());
      const mediaMetadata = { mediaStreams: stream ? { [stream.id]: {} } : {}, dataChannels: {} };
      const offer = { sdpOffer: up.localDescription.sdp, ...(this.dialect === "brtc" ? { peerType: "publish" } : { mediaMetadata }) };
      const { sdpAnswer } = await this.ask("offerSdp", offer);
      if (up === this.#up) await up.setRemoteDescription({ type: "answer", sdp: sdpAnswer });
    });
  }

  async #subscribe({ sdpOffer, sdpRevision }) {
    if (sdpRevision !== undefined && sdpRevision <= this.#revision) return;
    this.#revision = sdpRevision ?? this.#revision;
    if (!this.#down) {
      this.#down = this.#peer();
      connected(this.#down).then(this.#hearing);
      this.#down.ontrack = ({ track, streams: [stream] }) => {
        if (track.kind !== "audio" || !stream) return;
        this.sound.hear(stream);
        stream.onremovetrack = () => stream.getTracks().length || this.sound.unhear(stream.id);
      };
    }
    await this.#answer(this.#down, sdpOffer, "subscribe");
  }

  async #answer(peer, sdp, peerType) {
    await peer.setRemoteDescription({ type: "offer", sdp });
    const answer = await peer.createAnswer();
    // Classic clients leave the DTLS client's part to the platform.
    if (this.dialect !== "brtc") answer.sdp = answer.sdp.replace(/a=setup:(active|actpass)/g, "a=setup:passive");
    await peer.setLocalDescription(answer);
    await this.ask("answerSdp", { sdpAnswer: answer.sdp, ...(this.dialect === "brtc" && { peerType }) });
  }

  /** One negotiation after the other. */
  #negotiate(work) {
    const done = this.#negotiating.then(work);
    this.#negotiating = done.catch(() => {});
    return done;
  }

  #hangUp() {
    this.#frames?.stop();
    for (const peer of [this.#up, this.#down]) peer?.close();
    this.sound.unhear();
    this.#up = this.#down = this.#sender = this.#frames = this.#rtt = null;
    this.#live = false;
    this.#revision = 0;
  }

  // -- what is sent -----------------------------------------------------------------------------------------------------------------

  /** Send a microphone (by its id; the system's without) or any MediaStream. Why it cannot be had is in `state`; the line listens on. */
  async publish(source = "") {
    let stream = source;
    try {
      if (typeof source === "string") stream = await Sound.microphone(source);
    } catch (error) {
      const [microphone, trouble] = hardship(error);
      await this.unpublish();
      return this.#tell({ microphone, trouble });
    }
    if (["left", "failed"].includes(this.state.line)) return typeof source === "string" && stream.getTracks().forEach((track) => track.stop());
    this.#drop();
    this.#own = typeof source === "string";
    this.#track = stream.getAudioTracks()[0];
    this.#track.enabled = !this.state.muted;
    this.#track.onended = () => this.unpublish().then(() => this.#tell({ microphone: "missing", trouble: "The microphone is gone." }));
    this.sound.take(new MediaStream([this.#track]));
    this.#tell({ microphone: "on", trouble: "" });
    if (this.#frames) this.ask("publish", { audio: true }).catch(() => {});
    else if (this.#live) await this.#publish().catch(() => {});
  }

  /** Send nothing any more; the microphone is off. */
  async unpublish() {
    this.#drop();
    this.#tell({ microphone: "off", trouble: "" });
    if (this.#frames) this.ask("publish", { audio: false }).catch(() => {});
    if (!this.#up || !this.#sender) return;
    this.#up.getTransceivers().find((one) => one.sender === this.#sender)?.stop();
    this.#sender = null;
    await this.#publish().catch(() => {});
  }

  #drop() {
    if (this.#track) this.#track.onended = null;
    if (this.#own) this.#track?.stop();
    this.#track = null;
    if (this.sound.context) this.sound.take(null);
  }

  /** Send silence, or sound again. */
  mute(muted = true) {
    if (this.#track) this.#track.enabled = !muted;
    this.#tell({ muted });
  }

  /** Press keys: as telephone events in the media, or by a request where that cannot be. */
  async press(digits) {
    const tones = this.dialect === "handset" ? null : this.#sender?.dtmf;
    if (tones?.canInsertDTMF) tones.insertDTMF(tones.toneBuffer + digits, 100, 70);
    else if (this.dialect === "handset" || this.#frames) await this.ask("press", { digits });
    else throw new Error("keys travel with the sound: they need a microphone");
  }

  /** How it goes: `{path, rtt, lost, codec}`; milliseconds, packets (or frames that were dropped), a name. */
  async stats() {
    const frames = this.#frames;
    if (frames) return { path: "PCM", rtt: this.#rtt, lost: frames.lost(), codec: "16 kHz" };
    const found = { path: this.state.path, rtt: null, lost: 0, codec: "" };
    const codecs = new Map();
    const reports = await Promise.all([this.#up, this.#down].map((peer) => peer?.getStats()));
    for (const report of reports) {
      report?.forEach((one) => {
        if (one.type === "codec") codecs.set(one.id, one.mimeType.replace("audio/", ""));
        if (one.type === "candidate-pair" && one.nominated && one.currentRoundTripTime !== undefined) found.rtt = one.currentRoundTripTime * 1000;
        if (one.type === "inbound-rtp") found.lost += Math.max(0, one.packetsLost || 0);
        if (one.type.endsWith("bound-rtp") && one.codecId) found.codec = one.codecId;
      });
    }
    return { ...found, codec: codecs.get(found.codec) || "" };
  }
}

/** Once a connection is up; never otherwise. */
function connected(peer) {
  return new Promise((resolve) => (peer.onconnectionstatechange = () => peer.connectionState === "connected" && resolve()));
}

/** An error, once it is clear that the browser has no address to be reached at; else never anything. */
async function nowhere(peer) {
  await wait(NOWHERE_SECONDS);
  if (/^a=candidate/m.test(peer.localDescription?.sdp)) return new Promise(() => {});
  throw new Error("this browser has no network but loopback");
}

function within(seconds, work) {
  return Promise.race([work, wait(seconds).then(() => Promise.reject(new Error(`not within ${seconds} s`)))]);
}
