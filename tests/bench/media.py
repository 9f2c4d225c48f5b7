"""Sound: how soon it is there, how long it takes, what it costs and how even it is, while a program like a busy cell burns a processor."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from tests.bench.figures import Row
from tests.media.clients import Classic
from tests.media.ears import Ear
from tests.media.page import browsing, bundle, serving
from tests.media.peers import Publisher, Subscriber
from tests.media.stage import Stage, document, staged
from tests.media.tones import tone
from tests.media.waiting import until
from tests.node.conftest import installed

SOON_MS, NEAR_MS, CORES, GAP_MS = 200.0, 25.0, 0.6, 60.0
ROOM = document("<Conference>room</Conference>")

# Sound from one connection to another in one page: both ends have one clock. Two ways: by the SDK and the platform, or directly.
PAGE = """<!doctype html><meta charset="utf-8"><title>bench</title><script src="/sdk.js"></script><script>
const Native = RTCPeerConnection, made = [];
window.RTCPeerConnection = class extends Native { constructor(...all) { super(...all); made.push(this); } };
const watch = `registerProcessor("onsets", class extends AudioWorkletProcessor {
    constructor() { super(); this.seen = [null, null]; this.port.onmessage = () => { this.seen = [null, null]; }; }
    process(inputs) {
        inputs.forEach((input, place) => {
            if (this.seen[place] === null && input[0]?.some(one => Math.abs(one) > 0.02)) {
                this.seen[place] = currentTime;
                if (this.seen[0] !== null && this.seen[1] !== null) this.port.postMessage(this.seen[1] - this.seen[0]);
            }
        });
        return true;
    }
})`;
let context, gain, source, node, heard;
const sleep = seconds => new Promise(done => setTimeout(done, 1000 * seconds));
async function prepare() {
    context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([watch], { type: "text/javascript" })));
    const oscillator = context.createOscillator();
    oscillator.frequency.value = 500;
    gain = context.createGain(); gain.gain.value = 0;
    source = context.createMediaStreamDestination();
    oscillator.connect(gain).connect(source);
    oscillator.start();
}
function listen(stream) {
    heard?.disconnect();
    const audio = new Audio();
    audio.srcObject = stream; audio.muted = true; audio.play();
    node = new AudioWorkletNode(context, "onsets", { numberOfInputs: 2 });
    heard = context.createMediaStreamSource(stream);
    gain.connect(node, 0, 0); heard.connect(node, 0, 1);
    node.connect(context.destination);  // what leads nowhere is not run; it has nothing to say
}
async function once() {
    gain.gain.value = 0;
    await sleep(0.8);  // whatever still comes
    node.port.postMessage(0);
    await sleep(0.03 + 0.02 * Math.random());
    const took = new Promise((done, failed) => {
        node.port.onmessage = event => done(1000 * event.data);
        setTimeout(() => failed(new Error("silence")), 3000);
    });
    gain.gain.value = 0.3;
    return await took;
}
async function onsets(times) {
    await sleep(1.5);  // buffers find their length
    const all = [];
    for (let time = 0; time < times; time++) all.push(await once());
    return all;
}
async function direct(times) {
    const one = new Native(), other = new Native();
    let begun;
    const described = new Promise(done => { begun = done; });
    one.onicecandidate = event => event.candidate && described.then(() => other.addIceCandidate(event.candidate));
    other.onicecandidate = event => event.candidate && described.then(() => one.addIceCandidate(event.candidate));
    const came = new Promise(done => { other.ontrack = event => done(event.streams[0]); });
    const begin = performance.now();
    one.addTrack(source.stream.getAudioTracks()[0], source.stream);
    await one.setLocalDescription(await one.createOffer()); await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription(await other.createAnswer()); await one.setRemoteDescription(other.localDescription);
    begun();
    listen(await came);
    await packets([other]);
    const soon = performance.now() - begin, all = times ? await onsets(times) : [];
    one.close(); other.close();
    return [soon, all];
}
async function packets(connections) {
    for (;;) {
        for (const one of connections)
            for (const report of (await one.getStats()).values())
                if (report.type === "inbound-rtp" && report.packetsReceived > 0) return;
        await sleep(0.002);
    }
}
async function join(token, url) {
    const rtc = new BandwidthRtc("error");
    const came = new Promise(done => rtc.onStreamAvailable(one => done(one.mediaStream)));
    await rtc.connect({ deviceToken: token }, { websocketUrl: url });
    return [rtc, came];
}
// Connect, publish, and wait for the first packet in: when it began and how long that took, in milliseconds.
async function soon(token, url) {
    made.length = 0;
    const begin = performance.now(), wall = performance.timeOrigin + begin;
    const [rtc] = await join(token, url);
    const out = rtc.publish(source.stream.clone());  // the SDK stops what it published
    while (!made.length) await sleep(0.002);
    await packets(made);
    const took = performance.now() - begin;
    await out;
    window.last = rtc;
    return [wall, took];
}
async function through(tokens, url, times) {
    const [[one], [other, came]] = [await join(tokens[0], url), await join(tokens[1], url)];
    await one.publish(source.stream.clone());
    listen(await came);
    const all = await onsets(times);
    one.disconnect(); other.disconnect();
    return all;
}
</script>"""


@contextmanager
def burning() -> Iterator[None]:
    """A program beside us that never rests, like a notebook's kernel whose cell does not."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(runs: int = 12, onsets: int = 12, legs: int = 80, members: int = 20, seconds: float = 10.0) -> list[Row]:
    """All figures, beside a busy program."""
    with burning():
        return asyncio.run(_measure(runs, onsets, legs, members, seconds))


async def _measure(runs: int, onsets: int, legs: int, members: int, seconds: float) -> list[Row]:
    rows: list[Row] = []
    async with serving(page_html=PAGE, sdk_js=bundle(installed())) as address, browsing() as browser, staged() as stage:
        page = await browser.new_page()
        await page.goto(f"{address}/page.html")
        await page.evaluate("prepare()")
        rows += await soon(stage, page, runs)
        rows.append(await one_way(stage, page, onsets))
    async with staged() as stage:
        rows.append(await passing(stage, legs, seconds))
    async with staged() as stage:
        rows.append(await conference(stage, members, seconds))
    return rows


async def soon(stage: Stage, page: Any, runs: int) -> list[Row]:
    """From a token in hand to the first packet that arrives, at the page and from it."""
    session = await stage.session()
    _, token = await stage.participant(session)
    partner = await stage.classic(token)
    await partner.publish(tone(770))
    to_page, from_page, baseline = [], [], []
    for _ in range(runs):
        party, token = await stage.participant(session)
        known = set(partner.ears)
        wall, took = await page.evaluate("all => soon(...all)", [token, stage.ws])
        offset = time.time() - time.monotonic()
        ear = await until(lambda known=known: _new(partner, known), 10, "the page's stream at its partner")
        await until(lambda ear=ear: ear.count, 10, "its first packet")
        to_page.append(took)
        from_page.append(1000 * (ear.packets[0].at + offset) - wall)
        await page.evaluate("last.disconnect()")
        await stage.ask("DELETE", f"/v1/accounts/9900000/participants/{party}")
        baseline.append((await page.evaluate("direct(0)"))[0])
    direct = f"{median(baseline):.0f} ms, two pages directly"
    rows = []
    for name, times in (("token to the first packet at the page", to_page), ("token to the page's first packet at its partner", from_page)):
        shown = f"median {median(times):.0f}  worst {max(times):.0f} ms"
        rows.append(
            Row(
                f"{name} (n {runs})",
                shown,
                direct,
                median(times) / median(baseline),
                f"median ≤ {SOON_MS:.0f} ms",
                median(times) <= SOON_MS,
            )
        )
    return rows


def _new(client: Classic, known: set[str]) -> Ear | None:
    fresh = set(client.ears) - known
    return client.ears[fresh.pop()] if fresh else None


async def one_way(stage: Stage, page: Any, times: int) -> Row:
    """From the onset of a sound on one side to its onset on the other."""
    session = await stage.session()
    pair = [(await stage.participant(session))[1] for _ in range(2)]
    through = await page.evaluate("all => through(...all)", [pair, stage.ws, times])
    direct = (await page.evaluate("times => direct(times)", times))[1]
    more = median(through) - median(direct)
    return Row(
        f"one way, page to page (n {times})",
        f"median {median(through):.0f}  worst {max(through):.0f} ms",
        f"median {median(direct):.0f} ms, directly",
        median(through) / median(direct),
        f"≤ {NEAR_MS:.0f} ms more",
        more <= NEAR_MS,
    )


async def passing(stage: Stage, legs: int, seconds: float) -> Row:
    """Browsers that hear each other two by two, 50 packets a second each: what the platform needs for it."""
    ears: list[Ear] = []
    idle = await _spent(stage, min(seconds, 2.0))
    for _ in range(legs // 2):
        session = await stage.session()
        pair = [await stage.classic((await stage.participant(session))[1]) for _ in range(2)]
        for client in pair:
            await client.publish(tone(500))
        for client in pair:
            await until(lambda client=client: client.ears and next(iter(client.ears.values())).count, 20, "a partner's sound")
            ears += client.ears.values()
    before = [ear.count for ear in ears]
    begin = time.monotonic()
    spent = await _spent(stage, seconds)
    rate = sum(ear.count - count for ear, count in zip(ears, before, strict=True)) / len(ears) / (time.monotonic() - begin)
    return Row(
        f"{legs} legs passed through at {rate:.0f} of 50 packets/s",
        f"{spent:.2f} of a processor",
        f"{idle:.2f}, no legs",
        None,
        f"≤ {CORES} of a processor",
        spent <= CORES,
    )


async def _spent(stage: Stage, seconds: float) -> float:
    """The share of a processor that the platform uses during so many seconds."""
    before, begin = stage.processor(), time.monotonic()
    await asyncio.sleep(seconds)
    return (stage.processor() - before) / (time.monotonic() - begin)


async def conference(stage: Stage, members: int, seconds: float) -> Row:
    """Phones in the hands of browsers in one conference: how even what they hear arrives."""
    ears: list[Ear] = []
    for number in range(members):
        phone = f"+191955502{number:02}"
        hand = await stage.handset(phone)
        await stage.call(phone, ROOM)
        await stage.take(hand)
        await hand.publish(tone(400 + 50 * number))
        await until(lambda hand=hand: hand.ears, 20, "a stream")
        ears += hand.ears.values()
    speaker, listener = Publisher(), Subscriber()
    line = speaker.add(tone(500))
    offer, text = await speaker.offer()
    await listener.answer(text)
    await speaker.answered(offer, listener.pc.localDescription.sdp)
    bare = listener.ears[line.msid]
    await until(lambda: bare.count and all(ear.count for ear in ears), 20, "everybody's sound")
    begin = time.monotonic() + 1
    spent = await _spent(stage, seconds + 1)
    gaps = [gap for ear in ears for gap in ear.gaps(begin)]
    await speaker.close()
    await listener.close()
    return Row(
        f"conference of {members} calls, gaps between packets",
        f"{_gaps(gaps)}, {spent:.2f} of a processor",
        f"{_gaps(bare.gaps(begin))}, one packet after the other directly",
        None,
        f"p99 ≤ {GAP_MS:.0f} ms",
        1000 * _p99(gaps) <= GAP_MS,
    )


def _p99(gaps: Sequence[float]) -> float:
    return quantiles(gaps, n=100, method="inclusive")[98]


def _gaps(gaps: Sequence[float]) -> str:
    return f"p99 {1000 * _p99(gaps):.0f}  worst {1000 * max(gaps):.0f} ms"
