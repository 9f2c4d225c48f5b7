"""The files by which a run tells whether it still goes on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from workbench import runs

HOLDS = """
import sys
from pathlib import Path
from workbench import runs
held = runs.hold(Path(sys.argv[1]), "other", "here")
print("held", flush=True)
sys.stdin.read()
"""


def names(folder, place="here"):
    """The runs that are found abandoned; they are let go again."""
    found = list(runs.abandoned(folder, place))
    for held in found:
        held.release(keep=True)
    return [held.note.run for held in found]


@pytest.mark.sockets
def test_a_run_is_abandoned_once_its_process_is_killed_and_not_before(tmp_path, child_environment):
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment(), text=True) as child:
        assert child.stdout.readline() == "held\n"
        assert names(tmp_path) == []
        child.kill()
        child.wait()
    assert names(tmp_path) == ["other"]


def test_a_run_of_this_process_is_not_abandoned_either(tmp_path):
    held = runs.hold(tmp_path, "mine", "here")
    assert names(tmp_path) == []
    held.release(keep=True)
    assert names(tmp_path) == ["mine"]


def test_what_has_tidied_up_is_forgotten(tmp_path):
    held = runs.hold(tmp_path, "mine", "here")
    held.release(keep=False)
    held.release(keep=True)
    assert list((tmp_path / runs.FOLDER).iterdir()) == []


def test_two_that_start_at_once_do_not_both_take_a_run(tmp_path):
    runs.hold(tmp_path, "mine", "here").release(keep=True)
    (taken,) = runs.abandoned(tmp_path, "here")
    assert names(tmp_path) == []
    taken.release(keep=False)
    assert names(tmp_path) == []


def test_other_accounts_and_what_is_no_note_are_left_alone(tmp_path):
    runs.hold(tmp_path, "theirs", "there").release(keep=True)
    folder = tmp_path / runs.FOLDER
    (folder / "empty.json").touch()
    (folder / "odd.json").write_text("[1]")
    assert names(tmp_path) == []
    assert len(list(folder.iterdir())) == 3


def test_a_note_names_no_account_and_is_for_its_owner_only(tmp_path):
    held = runs.hold(tmp_path, "mine", runs.where("live", "9911111", "https://voice.example.com"))
    (path,) = (tmp_path / runs.FOLDER).iterdir()
    assert "9911111" not in path.read_text()
    assert sorted(json.loads(path.read_text())) == ["began", "run", "where"]
    assert path.stat().st_mode & 0o077 == 0
    held.release(keep=False)
