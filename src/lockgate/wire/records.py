"""Domain objects to JSON values and back.

An object is its fields by name: times are text with microseconds (``2026-10-01T12:00:00.000000Z``),
tuples are lists. A version also carries its ``reference``, a lifecycle is its document. Reading
ignores fields that this release does not know, so an older client can talk to a newer server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.attachments import AttachedPolicy
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.gates import GateReport
from lockgate.domain.history import Transition
from lockgate.domain.lifecycle_documents import lifecycle_document, parse_lifecycle
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.moments import parse_moment, to_text
from lockgate.domain.outcomes import Asked, Preview, Promoted
from lockgate.domain.pages import Page
from lockgate.domain.planning import Move
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.verification import Verdict
from lockgate.domain.versions import ModelVersion
from lockgate.errors import RegistryError

T = TypeVar("T")
_ATOMS = frozenset({str, int, float, bool, type(None)})
_UNSAID: dict[Any, tuple[str, ...]] = {Verdict: ("state",)}
"""The folded state of a whole log is of use only where it is compared, on the server."""


def to_wire(value: Any) -> Any:
    """Return the JSON value of a domain object, a page, a tuple of them, or a plain value."""
    kind: Any = type(value)
    return value if kind in _ATOMS else _writer_of(kind)(value)


@cache
def _writer_of(kind: Any) -> Callable[[Any], Any]:
    """Return what writes values of a type: found out once for each."""
    found = _WRITERS.get(kind)
    if found is not None:
        return found
    if issubclass(kind, Mapping):
        return _mapping
    if issubclass(kind, (tuple, list)):
        return _list
    if hasattr(kind, "to_document"):
        return lambda value: value.to_document()
    names = _said(kind)
    return lambda value: _record(value, names)


def _record(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name in names:
        # Most fields are plain: they are spared a call each.
        each = getattr(value, name)
        kind: Any = type(each)
        record[name] = each if kind in _ATOMS else _writer_of(kind)(each)
    return record


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: to_wire(each) for key, each in value.items()}


def _list(value: Iterable[Any]) -> list[Any]:
    return [to_wire(each) for each in value]


def _page(value: Page[Any]) -> dict[str, Any]:
    return {"items": to_wire(value.items), "next_cursor": value.next_cursor}


def _written_lifecycle(value: Lifecycle) -> dict[str, Any]:
    asked = {stage: policy.describe() for stage, policy in value.policies.items()}
    return {**lifecycle_document(value), "revision": value.revision, "sentences": asked}


def _version(value: ModelVersion) -> dict[str, Any]:
    record = _record(value, _said(ModelVersion))
    record["reference"] = value.reference
    return record


def _written_attachment(value: AttachedPolicy) -> dict[str, Any]:
    return {**_record(value, _said(AttachedPolicy)), "sentences": value.policy.describe()}


def from_wire(kind: type[T], value: Any) -> T:
    """Return the domain object that `to_wire` wrote. Raises `RegistryError` if it is none."""
    try:
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(value)  # type: ignore[no-any-return]
        return msgspec.convert(value, kind, dec_hook=_frozen)
    except (msgspec.ValidationError, TypeError, KeyError, ValueError) as error:
        raise RegistryError(
            detail=f"The server's answer is no {kind.__name__} that this client can read: {error}"
        ) from None


def page_from_wire(kind: type[T], value: Any) -> Page[T]:
    """Return a page of ``kind``."""
    items = tuple(from_wire(kind, each) for each in value["items"])
    return Page(items, value["next_cursor"])


def _lifecycle(value: Any) -> Lifecycle:
    document = dict(value)
    document.pop("sentences", None)  # what the policies say, in words
    return parse_lifecycle(document, document.pop("revision"))


def _promoted(value: Any) -> Promoted:
    passage, report = value["transition"], value["report"]
    return Promoted(
        version=from_wire(ModelVersion, value["version"]),
        transition=None if passage is None else from_wire(Transition, passage),
        displaced=tuple(value["displaced"]),
        report=None if report is None else GateReport.from_document(report),
    )


def _preview(value: Any) -> Preview:
    return Preview(
        version=from_wire(ModelVersion, value["version"]),
        to_stage=value["to_stage"],
        moves=tuple(from_wire(Move, each) for each in value["moves"]),
        report=GateReport.from_document(value["report"]),
    )


def _asked(value: Any) -> Asked:
    return Asked(
        request=from_wire(PromotionRequest, value["request"]),
        report=GateReport.from_document(value["report"]),
    )


def _attached(value: Any) -> AttachedPolicy:
    moment = value["set_at"]
    return AttachedPolicy(
        scope=value["scope"],
        project=value["project"],
        model=value["model"],
        stage=value["stage"],
        policy=PromotionPolicy.from_document(value["policy"]),
        set_by=value["set_by"],
        set_at=None if moment is None else parse_moment(moment),
    )


_WRITERS: dict[Any, Callable[[Any], Any]] = {
    datetime: to_text,
    Page: _page,
    Lifecycle: _written_lifecycle,
    ModelVersion: _version,
    AttachedPolicy: _written_attachment,
}
_READERS: dict[Any, Callable[[Any], Any]] = {
    Lifecycle: _lifecycle,
    GateReport: GateReport.from_document,
    PromotionPolicy: PromotionPolicy.from_document,
    Promoted: _promoted,
    Preview: _preview,
    Asked: _asked,
    AttachedPolicy: _attached,
}


@cache
def _said(kind: Any) -> tuple[str, ...]:
    unsaid = _UNSAID.get(kind, ())
    return tuple(each.name for each in fields(kind) if each.name not in unsaid)


def _frozen(kind: Any, value: Any) -> Any:
    if get_origin(kind) is FrozenDict:
        key, each = get_args(kind)
        return FrozenDict(msgspec.convert(value, dict[key, each], dec_hook=_frozen))  # type: ignore[valid-type]
    raise NotImplementedError(kind)
