"""What says which versions to install agrees: pyproject.toml, the lock, environment.yml and the environment the tests run in."""

from __future__ import annotations

import re
import runpy
import tomllib
import zipfile
from importlib import metadata

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LOCKED = [Requirement(line) for line in (ROOT / "requirements.lock").read_text().splitlines() if line]
PINS = {canonicalize_name(pin.name): pin for pin in LOCKED}
NEEDED = [Requirement(text) for text in PROJECT["dependencies"]]
TESTING = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
PYTHONS = ("3.11", "3.12", "3.13")
CARD = {"jupyterlab", "ipywidgets", "httpx", "pyjwt", "pyngrok", "flask", "pandas"}


def pinned(pin: Requirement) -> str:
    (only,) = pin.specifier
    assert only.operator == "=="
    return only.version


def test_the_lock_is_plain_pins():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; [a-z_]+ .+)?", line), line


@pytest.mark.parametrize("needed", NEEDED + TESTING, ids=str)
def test_the_lock_has_a_fitting_version_of_all_we_ask_for(needed):
    pin = PINS[canonicalize_name(needed.name)]
    assert needed.specifier.contains(pinned(pin), prereleases=True)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_one_version_of_each_for_every_python(python):
    here = default_environment() | {"python_version": python, "python_full_version": f"{python}.0"}
    names = [pin.name for pin in LOCKED if pin.marker is None or pin.marker.evaluate(here)]
    assert len(names) == len(set(names))
    assert python in SpecifierSet(PROJECT["requires-python"])


def test_the_supported_pythons_are_the_launchers():
    launcher = runpy.run_path(str(ROOT / "run.py"))
    assert tuple(f"{major}.{minor}" for major, minor in launcher["VERSIONS"]) == PYTHONS
    assert "3.14" not in SpecifierSet(PROJECT["requires-python"])


def test_what_is_installed_is_what_is_locked():
    """Everything the workbench needs, directly or not, in this environment."""
    if not (ROOT / ".venv" / "workbench-installed").exists():
        pytest.skip("not an environment that run.py made")
    waiting, seen = [*NEEDED, *TESTING], set()
    while waiting:
        needed = waiting.pop()
        name = canonicalize_name(needed.name)
        extras = {"extra": ""} if not needed.extras else {"extra": next(iter(needed.extras))}
        if (needed.marker and not needed.marker.evaluate(extras)) or (name, str(needed.extras)) in seen:
            continue
        seen.add((name, str(needed.extras)))
        found = metadata.distribution(name)
        assert found.version == pinned(PINS[name]), name
        for text in found.requires or []:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in ("", *needed.extras)):
                further.marker = None
                waiting.append(further)
    assert len(seen) > 90


def test_conda_specs_are_understood_and_agree():
    *specs, pip = CONDA["dependencies"]
    assert pip == {"pip": ["-e .[test]"]}
    asked = {spec.name.normalized: spec for spec in map(MatchSpec, specs)}
    needed = {canonicalize_name(one.name): one for one in NEEDED}
    assert asked.keys() >= CARD | {"python", "pip"}
    assert asked.keys() - {"python", "pip"} <= needed.keys()
    for name, spec in asked.items():
        if name == "pip":
            continue
        ours = SpecifierSet(PROJECT["requires-python"]) if name == "python" else needed[name].specifier
        assert set(str(spec.version).split(",")) == {str(part) for part in ours}, name


def test_version_and_changes_agree():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == PROJECT["version"]
    assert str(Version(newest[1])) == newest[1]


def test_no_file_names_a_registry():
    names = re.compile(r"pypi\.org|pythonhosted|npmjs\.(org|com)|conda\.anaconda|index-url *=|find-links")
    files = [ROOT / name for name in ("requirements.lock", "pyproject.toml", "environment.yml", "run.py", ".ci/run")]
    files += [path for path in ROOT.glob("**/package*.json") if "node_modules" not in path.parts and ".venv" not in path.parts]
    assert [path.name for path in files if names.search(path.read_text())] == []


def test_the_wheel_holds_the_package_and_its_static_files(tmp_path, monkeypatch):
    from flit_core import buildapi

    monkeypatch.chdir(ROOT)
    names = zipfile.ZipFile(tmp_path / buildapi.build_wheel(str(tmp_path))).namelist()
    package = ROOT / "workbench"
    ours = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    packed = {name for name in names if name.startswith("workbench/")}
    assert packed == {path.relative_to(ROOT).as_posix() for path in ours}
    assert all(name.startswith(("workbench/", "workbench-")) for name in names)
    assert any(name.endswith("LICENSE") for name in names)
