"""JSON files as PACT host systems answer them."""

import json
from pathlib import Path
from typing import Any

from core.tabular import FileRefused
from core.uploads import MEGABYTE

LARGEST_FILE = 50 * MEGABYTE


def find_footprints(path: Path) -> list[Any]:
    """The footprints of a file that holds one, a list, `{"data": ...}` of either, or the event that answers a request.

    Raises
    ------
    FileRefused
        If the file is no JSON, is too large, or holds no footprints.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise FileRefused(f"{path.name} is larger than {LARGEST_FILE // MEGABYTE} MB. Split it into several files.")
    try:
        content = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"{path.name} is not a JSON file in UTF-8 that can be read.") from error
    if isinstance(content, dict) and "data" in content:
        content = content["data"]
    if isinstance(content, dict) and isinstance(content.get("pfs"), list):  # an event that answers a request
        content = content["pfs"]
    found = content if isinstance(content, list) else [content]
    if not found or not any(isinstance(item, dict) for item in found):
        raise FileRefused(f"{path.name} holds no footprints: neither one, nor a list, nor a list under 'data'.")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def is_text(item: dict[str, Any]) -> bool:
    """No lone surrogates and no NUL, which no database takes, and nothing nested without end."""
    try:
        text = json.dumps(item, ensure_ascii=False)
    except RecursionError:
        return False
    return "\\u0000" not in text and readable(text) == text


def readable(text: str) -> str:
    return text.encode(errors="replace").decode()
