"""Ids in the forms the platform gives them (documented, voice-api 9, webrtc-api 1, brtc 2); a seed makes them repeat."""

from __future__ import annotations

import random
from uuid import UUID


class SeededIds:
    """Hands out ids; without a seed they differ from start to start."""

    def __init__(self, seed: int | None = None) -> None:
        self._luck = random.Random(seed)

    def __call__(self, kind: str) -> str:
        """An id for a `kind`; kinds without a form of their own are UUIDs."""
        match kind:
            case "call":
                return f"c-{self._hex8()}-{self._uuid()}"
            case "conference":
                return f"conf-{self._hex8()}-{self._uuid()}"
            case "dialog":
                return f"{self._luck.getrandbits(164):041x}@sbc.bandwidth.com"
            case "endpoint":
                return f"e-{self._hex8()}-{self._uuid()}"
            case "endpointDevice":
                return f"d-{self._hex8()}-{self._uuid()}"
            case "recording":
                return f"r-{self._uuid()}"
            case "stream":
                return f"s-{self._hex8()}-{self._uuid()}"
            case "transcription":
                return f"t-{self._hex8()}-{self._uuid()}"
            case "tid":
                return "+" + "".join(self._luck.choices("0123456789", k=15))
        return self._uuid()

    def _hex8(self) -> str:
        return f"{self._luck.getrandbits(32):08x}"

    def _uuid(self) -> str:
        return str(UUID(int=self._luck.getrandbits(128), version=4))
