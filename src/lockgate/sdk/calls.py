"""What every verb of the client stands on: paths, query words, bodies, who acts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from lockgate.domain.access import Actor
from lockgate.domain.imports import ImportRules
from lockgate.domain.moments import parse_moment, to_text
from lockgate.domain.pages import Page
from lockgate.domain.references import DEFAULT_PROJECT, split_name
from lockgate.errors import InvalidName
from lockgate.sdk.transport import TIMEOUT_S, Query, Transport
from lockgate.wire.records import from_wire, page_from_wire
from lockgate.wire.values import require_text, write_json

if TYPE_CHECKING:
    from lockgate.storage.idempotency import Once
    from lockgate.storage.preconditions import Unchanged

API = "/api/v1"
Moment = datetime | str | None
T = TypeVar("T")


class Calls:
    """A server, an actor, and the project of names that are written without one."""

    def __init__(
        self,
        url: str,
        *,
        actor: str = "",
        token: str = "",
        project: str = DEFAULT_PROJECT,
        timeout_s: float = TIMEOUT_S,
        cache: Path | None = None,
        imports: ImportRules | None = None,
    ) -> None:
        """Connect when first asked; an empty ``actor`` leaves it to the server who acts.

        ``token`` proves who acts, to a server with access control; that server takes nobody's
        word for an ``actor``.
        ``timeout_s`` bounds each verb, retries included. ``cache`` is the folder of files that
        were pulled, ``imports`` what this process may fetch by URI. Raises `InvalidSetting`.
        """
        self._transport = Transport(url, timeout_s)
        self._token = token
        self._actor = Actor.named(actor) if actor else None
        self._key: str | None = None
        self._only_if: Unchanged | None = None
        self._cache = cache
        self._imports = imports
        self.project = project

    def acting_as(
        self, actor: str | Actor, once: Once | None = None, only_if: Unchanged | None = None
    ) -> Self:
        """Return this registry with another actor.

        For one write also with an idempotency key, and with what must not have changed before it.
        """
        other = type(self).__new__(type(self))
        other._transport = self._transport
        other._token = self._token
        other._actor = actor if isinstance(actor, Actor) else Actor.named(actor)
        other._key = None if once is None else once.key
        other._only_if = only_if
        other._cache = self._cache
        other._imports = self._imports
        other.project = self.project
        return other

    @property
    def actor(self) -> str:
        """Who acts."""
        return "" if self._actor is None else self._actor.name

    @property
    def url(self) -> str:
        """The server's URL, without credentials."""
        return self._transport.url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ping(self) -> None:
        """Ask the server's database for a sign of life. Raises `Unavailable`."""
        self._transport.send("GET", "/readyz", headers=self._headers())

    # --- requests ----------------------------------------------------------------------------

    def _get(self, path: str, **words: Any) -> Any:
        return self._transport.send("GET", API + path, query=_query(words), headers=self._headers())

    def _load(self, kind: type[T], path: str, **words: Any) -> T:
        return from_wire(kind, self._get(path, **words))

    def _page(self, kind: type[T], path: str, **words: Any) -> Page[T]:
        return page_from_wire(kind, self._get(path, **words))

    def _all(self, kind: type[T], path: str, **words: Any) -> tuple[T, ...]:
        return tuple(from_wire(kind, each) for each in self._get(path, **words))

    def _write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        revision: int | None = None,
        **words: Any,
    ) -> Any:
        headers = self._headers()
        headers["Idempotency-Key"] = self._key or uuid.uuid4().hex
        if revision is not None:
            headers["If-Match"] = f'"{revision}"'
        elif self._only_if is not None:
            uid = f"{self._only_if.uid[:12]}-" if self._only_if.uid else ""
            headers["If-Match"] = f'"{uid}{self._only_if.revision}"'
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._transport.send(
            method,
            API + path,
            query=_query(words),
            body=None if body is None else write_json(body),
            headers=headers,
        )

    def _change(self, kind: type[T], method: str, path: str, *body: Any, **words: Any) -> T:
        return from_wire(kind, self._write(method, path, *body, **words))

    def _lines(self, path: str, **words: Any) -> Iterator[str]:
        return self._transport.lines("POST", API + path, _query(words), self._headers())

    def _headers(self) -> dict[str, str]:
        headers = {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._actor is not None:
            headers["X-Lockgate-Actor"] = quote(self._actor.name, safe="@ +-._:/")
        return headers

    # --- paths -------------------------------------------------------------------------------

    def _split(self, name: str) -> tuple[str, str]:
        return split_name(name, self.project)

    def _model(self, name: str, *rest: str) -> str:
        project, model = self._split(name)
        return "/".join((f"/projects/{segment(project)}/models/{segment(model)}", *rest))

    def _version(self, name: str, version: str | int, *rest: str) -> str:
        return self._model(name, "versions", segment(str(version), "version"), *rest)


def segment(text: Any, what: str = "name") -> str:
    """Return ``text`` as one segment of a path. Raises `InvalidName` for what can be none."""
    if not isinstance(text, str) or not text or text in (".", "..") or "/" in text:
        raise InvalidName(detail=f"{text!r} is no {what}", field=what)
    require_text(text, what)
    return quote(text, safe="")


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None: what is left out, the server fills in."""
    return {name: value for name, value in fields.items() if value is not None}


def moment_text(at: Moment, field: str) -> str | None:
    """Return a moment as text, or None. Raises `InvalidInput` naming ``field``."""
    return None if at is None else to_text(parse_moment(at, field))


def _query(words: Mapping[str, Any]) -> Query:
    query: Query = []
    for name, value in words.items():
        if value is None or value is False:
            continue
        values = value if isinstance(value, (list, tuple)) else [value]
        query += [(name, _word(each, name)) for each in values]
    return query


def _word(value: Any, name: str) -> str:
    if value is True:
        return "true"
    if isinstance(value, datetime):
        return to_text(parse_moment(value))
    text = str(value)
    require_text(text, name)
    return text


def labels(names: Any) -> Any:
    """Return tags as they travel: a mapping as it is, an iterable of names as a list."""
    if isinstance(names, (str, Mapping)) or not hasattr(names, "__iter__"):
        return names
    return list(names)
