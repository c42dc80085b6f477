"""What MLflow lets names, keys, aliases and numbers be, and its words when they are not.

These are checked before our own rules, so that its users read the sentences they know. What
they let through and ours do not (``@`` in a name, an alias called like a stage) is refused in
our words.
"""

from __future__ import annotations

import json
import posixpath
import re
from urllib.parse import unquote_plus

from lockgate.dialects.mlflow.problems import MlflowProblem, invalid
from lockgate.domain.mlflow_messages import PROMPT_TEXT

KEY_CHARS_MAX = 250
VALUE_CHARS_MAX = 100_000
ALIAS_CHARS_MAX = 255
SEQ_DIGITS_MAX = 17
STAGES = ("None", "Staging", "Production", "Archived")

_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_KEY = re.compile(r"[/\w.\- :]*")
_ALIAS = re.compile(r"[\w-]*")
_VERSION_ALIAS = re.compile(r"[vV]\d+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_SHOWN = {stage.casefold(): stage for stage in STAGES}
_DEPTH_MAX = 10


def shown_stage(stage: str) -> str:
    """Return a stage of ours in MLflow's spelling, if it is one of MLflow's four."""
    return _SHOWN.get(stage.casefold(), stage)


def model_name(name: str, parameter: str = "name") -> str:
    """Return a model's name as MLflow allows it."""
    if not name.strip():
        raise invalid(f"Missing value for required parameter '{parameter}'.")
    if "/" in name or ":" in name:
        raise invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")
    if _is_path(name):
        raise invalid(_resolves("name", name))
    return name


def version_number(version: str) -> int:
    """Return the number that a version is called by; 0, which none has, for one too large."""
    if not _INTEGER.fullmatch(version):
        raise invalid(f"Parameter 'version' must be an integer, got '{version}'.")
    return int(version) if len(version) <= SEQ_DIGITS_MAX else 0


def tag_key(key: str) -> str:
    """Return the key of a tag as MLflow allows it."""
    if not _KEY.fullmatch(key):
        raise invalid(
            f"Invalid value {json.dumps(key)} for parameter 'key' supplied: Names may only contain "
            "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and "
            "slashes (/)."
        )
    if _is_path(key):
        raise invalid(_resolves("key", key))
    _limit("key", KEY_CHARS_MAX, key)
    return key


def tags(given: dict[str, str]) -> dict[str, str]:
    """Return tags whose keys and values MLflow allows."""
    for key, value in given.items():
        tag_key(key)
        if key == PROMPT_TEXT and len(value) > VALUE_CHARS_MAX:
            raise invalid(f"Prompt text exceeds max length of {VALUE_CHARS_MAX} characters.")
        _limit("value", VALUE_CHARS_MAX, value)
    return given


def alias(name: str) -> str:
    """Return an alias that may be asked for."""
    if not _ALIAS.fullmatch(name):
        raise invalid(
            f"Invalid alias name: '{name}'. Names may only contain alphanumerics, "
            "underscores (_), and dashes (-)."
        )
    _limit("Registered model alias name", ALIAS_CHARS_MAX, name)
    return name


def new_alias(name: str) -> str:
    """Return an alias that may be given."""
    alias(name)
    if name.lower() == "latest":
        raise invalid("'latest' alias name (case insensitive) is reserved.")
    if _VERSION_ALIAS.fullmatch(name):
        raise invalid(f"Version alias name '{name}' is reserved.")
    return name


def source(uri: str) -> str:
    """Return where a version's files are: a URI without ``..``, or any local path.

    The server opens neither; a client that resolves a URI may not be led out of its root.
    """
    plain = uri
    for _ in range(_DEPTH_MAX):
        plain, before = unquote_plus(plain), plain
        if plain == before:
            break
    remote = _SCHEME.match(plain) is not None
    if "\0" in plain or (remote and ".." in plain.replace("\\", "/").split("/")):
        raise invalid(
            f"Invalid model version source: '{uri}'. If supplying a source as an http, https, "
            "local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be "
            "provided without relative path references present. Please provide an absolute path."
        )
    return uri


def invalid_stage(stage: str, stages: tuple[str, ...]) -> MlflowProblem:
    """Return the refusal of a stage that the model's lifecycle does not have."""
    return invalid(
        f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(stages)}."
    )


def _is_path(name: str) -> bool:
    plain = posixpath.normpath(name)
    return plain != name or plain == "." or plain.startswith(("..", "/"))


def _resolves(parameter: str, name: str) -> str:
    return (
        f"Invalid value {json.dumps(name)} for parameter '{parameter}' supplied: Names may be "
        "treated as files in certain cases, and must not resolve to other names when treated as "
        f"such. This name would resolve to {posixpath.normpath(name)!r}"
    )


def _limit(what: str, most: int, text: str) -> None:
    if len(text) > most:
        raise invalid(f"'{what}' exceeds the maximum length of {most} characters")
