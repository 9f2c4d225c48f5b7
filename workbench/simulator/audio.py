"""The file that `<PlayAudio>` names, and how long it plays."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from workbench.simulator.effects import FetchAudio
from workbench.simulator.webhooks import Answer, Deliver, Outgoing, exchange

FILE_LIMIT = 50_000_000  # bytes; ours, to bound memory
FETCH_SECONDS = 30.0  # real seconds for the whole file

# Type by Content-Type, else by extension, else wav (documented, bxml/playAudio).
_TYPES = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


class AudioError(Exception):
    """A file cannot be fetched or played; the message says why."""


async def fetched(effect: FetchAudio, deliver: Deliver) -> tuple[bytes, float]:
    """Fetch a file: it and its length in seconds. Raises AudioError for whatever keeps it from being played."""
    headers = {"Accept": "audio/wav, audio/mpeg, */*;q=0.5", "User-Agent": "workbench-simulator"}
    request = Outgoing("GET", effect.url, headers, limit=FILE_LIMIT)
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            answer = await exchange(deliver, request, effect.username, effect.password)
    except TimeoutError:
        raise AudioError(f"{effect.url} took longer than {FETCH_SECONDS:.0f} s") from None
    except Exception as error:
        raise AudioError(f"{effect.url}: {type(error).__name__}: {error}") from error
    if answer.status != 200:
        raise AudioError(f"{effect.url} answered {answer.status}")
    if len(answer.body) > FILE_LIMIT:
        raise AudioError(f"{effect.url} is larger than {FILE_LIMIT} bytes")
    return answer.body, await asyncio.to_thread(seconds, answer.body, kind(effect.url, answer))


def kind(url: str, answer: Answer) -> str:
    """`wav` or `mp3`. Raises AudioError for any other audio."""
    content_type = answer.header("content-type").partition(";")[0].strip().lower()
    if content_type in _TYPES:
        return _TYPES[content_type]
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    if content_type.startswith("audio/") or suffix not in (".wav", ".mp3", ""):
        raise AudioError(f"only .wav and .mp3 are played, but {url} is {content_type or suffix}")
    return suffix[1:] or "wav"


def seconds(data: bytes, kind: str) -> float:
    """The length of a wav or mp3 file. Raises AudioError when it is none."""
    from tinytag import TinyTag, TinyTagException

    try:
        duration = TinyTag.get(f"file.{kind}", file_obj=BytesIO(data), tags=False, check_magic_bytes=False).duration
    except (TinyTagException, OSError, ValueError, ArithmeticError) as error:
        raise AudioError(f"not a {kind} file: {error}") from error
    if not duration or duration <= 0:
        raise AudioError(f"not a {kind} file, or an empty one")
    return float(duration)
