"""Domain objects to JSON values and back.

An object is its fields by name: times are text with microseconds (``2026-10-01T12:00:00.000000Z``),
tuples are lists. A version also carries its ``reference``, a lifecycle is its document. Reading
ignores fields that this release does not know, so an older client can talk to a newer server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    if kind in _ATOMS:
        return value
    if kind is datetime:
        return to_text(value)
    if isinstance(value, Mapping):
        return {key: to_wire(each) for key, each in value.items()}
    if kind is Page:
        return {"items": to_wire(value.items), "next_cursor": value.next_cursor}
    if isinstance(value, (tuple, list)):
        return [to_wire(each) for each in value]
    if kind is Lifecycle:
        asked = {stage: policy.describe() for stage, policy in value.policies.items()}
        return {
            **lifecycle_document(value),
            "revision": value.revision,
            "sentences": asked,
        }
    if hasattr(value, "to_document"):
        return value.to_document()
    record: dict[str, Any] = {}
    for name in _said(kind):
        # Most fields are plain: they are spared a call each.
        each = getattr(value, name)
        record[name] = each if type(each) in _ATOMS else to_wire(each)
    if kind is ModelVersion:
        record["reference"] = value.reference
    if kind is AttachedPolicy:
        record["sentences"] = value.policy.describe()
    return record


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
