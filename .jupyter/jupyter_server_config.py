"""What `run.py lab` adds to JupyterLab: a notebook is saved without widget state and without secrets in its outputs."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

MASK = "•••"
# The shape of a participant token: two base64url JSON objects and a signature.
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
SECRET_NAME = re.compile(r"(PASSWORD|SECRET|TOKEN)$")


def known_secrets() -> list[str]:
    """Values of the secret settings, from the environment and .env; the short ones are left alone, masking them would hit anything."""
    found = dict(os.environ)
    for file in (Path(".env"), Path("notebooks/.env")):
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        found |= {name.strip(): value.strip().strip("'\"") for name, sign, value in (line.partition("=") for line in lines) if sign}
    named = (value for name, value in found.items() if SECRET_NAME.search(name))
    return sorted((value for value in named if len(value) >= 6), key=len, reverse=True)


def mask(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: mask(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item, secrets) for item in value]
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, MASK)
    return TOKEN.sub(MASK, value)


def pre_save(model: dict[str, Any], **_: Any) -> None:
    if model["type"] != "notebook" or not model.get("content"):
        return
    notebook = model["content"]
    notebook.get("metadata", {}).pop("widgets", None)
    secrets = known_secrets()
    for cell in notebook["cells"]:
        if "outputs" in cell:
            cell["outputs"] = mask(cell["outputs"], secrets)


c = get_config()  # noqa: F821  (Jupyter provides it)
# JupyterLab sets up its contents manager twice; the hook is the same.
warnings.filterwarnings("ignore", message="Overriding existing pre_save_hook")
c.ContentsManager.pre_save_hook = pre_save
