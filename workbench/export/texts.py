"""The texts of an exported application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

APP = '''"""A voice application, taken out of a notebook. `python app.py` serves it, `python app.py dial +1…` places a call."""

import os
import sys

from handlers import handlers
from workbench.application import create, main


def app():
    """For a WSGI server of your own: `waitress-serve --call app:app`, in one process."""
    return create(handlers, os.environ).wsgi


if __name__ == "__main__":
    main(handlers, os.environ, sys.argv[1:])
'''

TEST = '''"""The handlers, asked what they were asked in the notebook, answer what they answered there. No network, no waiting."""

from pathlib import Path

import pytest

from handlers import handlers
from workbench.cassette import Cassette
from workbench.replay import replay

CASSETTES = sorted((Path(__file__).parent / "cassettes").glob("*.json"))


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_the_same_answers(path):
    cassette = Cassette.load(path)
    played = replay(cassette, handlers.of(cassette.mode))
    assert played.same, played.difference


def test_there_is_something_to_compare():
    assert CASSETTES
'''

IGNORED = ".env\n__pycache__/\n.venv/\n.pytest_cache/\nstate/\n"

ENVIRONMENT = """# Settings. Copy this file to .env and fill it in; never give .env to anybody.

# Your account, from Bandwidth's dashboard.
BW_ACCOUNT_ID=
BW_ID_CLIENT_ID=
BW_ID_CLIENT_SECRET=
# The classic WebRTC API documents user and password only.
BW_USERNAME=
BW_PASSWORD=
BW_VOICE_APPLICATION_ID=
BW_NUMBER=
# Who stands for the browser: sessions (classic WebRTC, participants) or endpoints (BRTC).
WORKBENCH_WEBRTC={webrtc}

# Where Bandwidth reaches this application, without a path: https://calls.example.com
BASE_CALLBACK_URL=
# Opens this application to Bandwidth's callbacks, and to whoever may place calls by it: user "application", at least 12 characters.
CALLBACK_PASSWORD=
# Whom this application may call besides the WebRTC side: numbers with commas between, or * for anybody.
CALLS_ALLOWED=
# How many calls it may place until it is started again.
CALL_LIMIT=200
# Which mode answers calls to your number: transfer, bridge or conference.
INBOUND_MODE={inbound}
WORKBENCH_HOST=127.0.0.1
WORKBENCH_PORT=8020
WORKBENCH_STATE_DIR=state

# For a local platform (python -m workbench.simulator --port 8010, from the workbench's own repository) these instead:
# BW_ACCOUNT_ID=9900000
# BW_USERNAME=local
# BW_PASSWORD=local
# BW_VOICE_APPLICATION_ID=a0000000-0000-4000-8000-000000000001
# BW_NUMBER=+19195550100
# WORKBENCH_VOICE_URL=http://127.0.0.1:8010/api/v2
# WORKBENCH_WEBRTC_URL=http://127.0.0.1:8010/v1
# WORKBENCH_ENDPOINTS_URL=http://127.0.0.1:8010/v2
# WORKBENCH_TOKEN_URL=http://127.0.0.1:8010/api/v1/oauth2/token
# BASE_CALLBACK_URL=http://127.0.0.1:8020
"""

README = """# A voice application

Taken out of a notebook of workbench {version}. It answers the callbacks of Bandwidth's Voice API and joins phones with WebRTC participants
or endpoints by Transfer, Bridge or Conference. Your handlers are in `handlers.py` ({handlers}). All other events are answered by the
modes' own handlers, in `workbench/modes/`.

## Run it

```sh
python -m venv .venv && .venv/bin/pip install -r requirements.txt
cp .env.example .env            # and fill it in
.venv/bin/python app.py         # serves until Ctrl+C, then ends every call
```

Place a call, while it serves:

```sh
.venv/bin/python app.py dial +15550100001 --mode {inbound}
set -a; . ./.env; set +a        # the same by curl: now this shell knows the settings, too
curl -u application:$CALLBACK_PASSWORD --json '{{"to": "+15550100001"}}' $BASE_CALLBACK_URL/calls/{inbound}
```

For calls to your number enter these in the voice application (Bandwidth's dashboard), with user `application` and your
`CALLBACK_PASSWORD`: `BASE_CALLBACK_URL/inbound/initiate` as *call initiated* callback, `BASE_CALLBACK_URL/inbound/disconnect` as
*call status* callback. On a local platform (`.env.example` says how to start one) that is one request, its application's id at the end:

```sh
curl -X PUT --json '{{"callInitiatedCallbackUrl": "http://127.0.0.1:8020/inbound/initiate", "callStatusCallbackUrl":
  "http://127.0.0.1:8020/inbound/disconnect", "username": "application", "password": "'$CALLBACK_PASSWORD'"}}' \\
  http://127.0.0.1:8010/_local/applications/a0000000-0000-4000-8000-000000000001
```

It calls nobody but the WebRTC side and the numbers of `CALLS_ALLOWED`, and places no more than `CALL_LIMIT` calls until it is started
again. Requests under another host name than that of `BASE_CALLBACK_URL` are refused (`WORKBENCH_HOSTS` adds names); who is turned away
more than 20 times a second has to wait (`WORKBENCH_RATE`).

A browser takes part with the token of the participant or endpoint: `GET /participant` with the same credentials gives it.

Test it: `.venv/bin/pip install pytest && .venv/bin/python -m pytest`. {tests}

## In production

`app.py` serves by waitress, a production WSGI server; `waitress-serve --call app:app` or any other WSGI server does as well. Put TLS in
front of it, for Bandwidth sends the callbacks' credentials. **One process only**: flows are kept in memory, so threads are fine, several
workers are not, and a restart forgets the calls that are up. What came is on disk, in `WORKBENCH_STATE_DIR`, tokens and numbers masked.

## Settings

All come from the environment or `.env`; `.env.example` lists them with their meaning, and those for a local platform. What is missing is
named at the start.

## What is in here

`app.py` starts it, `handlers.py` is yours. `workbench/` is a copy of the parts of workbench {version} that it needs, under the MIT licence
in `LICENSE`; nothing of it has to be installed. `tests/` asks the handlers what they were asked in the notebook.
"""


def readme(version: str, handlers: Mapping[str, Sequence[str]], inbound: str, cassettes: int) -> str:
    """The README of an application with these handlers, event types by mode."""
    named = "; ".join(f"{mode}: {', '.join(events)}" for mode, events in handlers.items() if events) or "none, yet"
    tests = f"{cassettes} recorded flow{'s are' if cassettes != 1 else ' is'} played against the handlers."
    return README.format(version=version, handlers=named, inbound=inbound, tests=tests)
