"""Credentials of the user's own: which token goes to which server, in a file only they can read.

    {"https://models.example.org": "lgt_…"}

A token is found by the server's scheme, host and port, so that it never goes to another one.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockgate.errors import InvalidSetting, Unavailable

if TYPE_CHECKING:
    from lockgate.settings import Settings

MODE = 0o600
FOLDER_MODE = 0o700
_PORTS = {"http": 80, "https": 443}


def credentials_path(setting: str = "") -> Path:
    """Return where the file lies: ``setting``, else in the user's configuration folder."""
    if setting:
        return Path(setting)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "lockgate" / "credentials.json"


def token_for(url: str, settings: Settings, token: str | None = None) -> str:
    """Return what proves who acts to a server: ``token``, the setting, or what a login kept."""
    if token is not None:
        return token
    return settings.token or kept_token(settings.credentials, url) or ""


def kept_token(setting: str, url: str) -> str | None:
    """Return the token that is kept for a server, or None. Raises `InvalidSetting`."""
    return _read(credentials_path(setting)).get(server_of(url))


def keep_token(setting: str, url: str, token: str) -> Path:
    """Keep a token for a server, readable by its owner only; return where."""
    path = credentials_path(setting)
    _write(path, {**_read(path), server_of(url): token})
    return path


def forget_token(setting: str, url: str) -> str | None:
    """Forget the token of a server; return it if there was one."""
    path = credentials_path(setting)
    kept = _read(path)
    gone = kept.pop(server_of(url), None)
    if gone is not None:
        _write(path, kept)
    return gone


def server_of(url: str) -> str:
    """Return scheme, host and port of a URL, spelt one way."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        port = None
    host = parts.hostname or ""
    return f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidSetting(
            setting="credentials", detail=f"{path} cannot be read: {error.strerror}"
        ) from error
    if os.name == "posix" and mode & 0o077:
        raise InvalidSetting(
            setting="credentials",
            detail=f"{path} holds tokens, and others on this machine can read it: chmod 600 {path}",
        )
    try:
        kept = json.loads(text)
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(each, str) for each in kept.values()):
        raise InvalidSetting(
            setting="credentials", detail=f"{path} is damaged; remove it and log in again"
        )
    return kept


def _write(path: Path, kept: dict[str, str]) -> None:
    """Put the file in place in one step, never readable by others meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1)
            Path(temporary).chmod(MODE)
            Path(temporary).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise Unavailable(detail=f"{path} cannot be written: {error.strerror}") from error
