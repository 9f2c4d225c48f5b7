"""Writes docs/conformance.md: `python3 run.py conformance`."""

from __future__ import annotations

import asyncio
import sys

from . import page, specs, webhooks


def main() -> str | None:
    """Write the page; what keeps it from being written."""
    if not specs.present():
        return specs.MISSING
    text = asyncio.run(page.fresh(webhooks.seen()))
    page.PAGE.write_text(text, encoding="utf-8")
    print(f"{page.PAGE}\n\n{text.partition('## Operations')[0]}")
    return None


if __name__ == "__main__":
    sys.exit(main())
