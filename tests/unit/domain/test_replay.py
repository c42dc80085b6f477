"""The log folds back into the state that it tells of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lockgate.domain.audit import AuditEvent, canonical
from lockgate.domain.replay import State, replay
from lockgate.errors import ChainBroken

START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("None", "Staging", "Production")


def event(seq: int, action: str, label: str | None = None, /, **detail: Any) -> dict[str, Any]:
    """Return an event on the model ``churn``, one minute after the one before."""
    at = (START + timedelta(minutes=seq)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "seq": seq,
        "at": at,
        "action": action,
        "model": detail.pop("model", "churn"),
        "version": label,
        "detail": detail,
    }


STORY = [
    event(1, "create_model", lifecycle="standard", lifecycle_revision=1),
    event(2, "register_version", "1", stage="None"),
    event(3, "register_version", "2", stage="None"),
    event(4, "transition", "1", **{"from": "None", "to": "Production"}),
    event(5, "set_alias", "1", alias="champion", version="1", previous=None),
    event(6, "transition", "2", **{"from": "None", "to": "Production"}),
    event(7, "transition", "1", **{"from": "Production", "to": "Staging"}),
    event(8, "set_alias", "2", alias="champion", version="2", previous="1"),
    event(9, "delete_version", "2", stage="Production", aliases=["champion"]),
    event(10, "restore_version", "2", stage="None"),
    event(11, "update_model", changes={"name": ["churn", "leave"], "owner": ["a", "b"]}),
    event(12, "move_lifecycle", model="leave", **{"from": ["standard", 1], "to": ["mine", 2]}),
    event(13, "delete_model", model="leave"),
    event(14, "create_model", model="leave", lifecycle="open", lifecycle_revision=1),
    event(15, "delete_model", model="leave"),
    event(16, "restore_model", model="leave"),
    event(17, "something_of_a_later_release", model="nobody"),
]


def test_story_is_told_in_full() -> None:
    """At the end the state is what the last events say, the older tombstone still there."""
    assert replay(STORY).to_document() == {
        "models": {
            "leave": {
                "lifecycle": "open",
                "lifecycle_revision": 1,
                "stages": {},
                "aliases": {},
                "deleted": {},
            }
        },
        "tombstones": {
            "leave": [
                {
                    "lifecycle": "mine",
                    "lifecycle_revision": 2,
                    "stages": {"1": "Staging", "2": "None"},
                    "aliases": {},
                    "deleted": {},
                }
            ]
        },
    }


@pytest.mark.parametrize(
    ("minute", "production", "aliases"),
    [
        (3, [], {}),
        (4, ["1"], {}),
        (6, ["1", "2"], {"champion": "1"}),
        (8, ["2"], {"champion": "2"}),
        (9, [], {}),
    ],
)
def test_until_a_moment(minute: int, production: list[str], aliases: dict[str, str]) -> None:
    """With ``until`` the state is that of the moment, the event at the moment included."""
    model = replay(STORY, until=START + timedelta(minutes=minute)).models["churn"]
    assert (model.standing("Production"), model.aliases) == (production, aliases)


def test_canonical_bytes_are_read() -> None:
    """Events may be given as the bytes that the log stores."""
    body = canonical(
        AuditEvent(
            project="default",
            seq=1,
            at=START,
            actor="ana",
            action="create_model",
            model="churn",
            detail={"lifecycle": "standard"},
        )
    )
    assert list(replay([body]).models) == ["churn"]


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (event(9, "create_model"), "model 'churn' existed already"),
        (event(9, "delete_model", model="other"), "there was no model 'other'"),
        (event(9, "restore_model", model="other"), "no model 'other' was deleted"),
        (event(9, "register_version", "1", stage="None"), "version '1' existed already"),
        (event(9, "transition", "3", **{"from": "None", "to": "X"}), "there was no version '3'"),
        (
            event(9, "transition", "1", **{"from": "None", "to": "X"}),
            "version '1' stood in Staging, not in None",
        ),
        (event(9, "delete_version", "1", stage="None"), "stood in Staging, not in None"),
        (event(9, "restore_version", "1", stage="None"), "no version '1' was deleted"),
        (
            event(9, "set_alias", "3", alias="a", version="3", previous=None),
            "there was no version '3'",
        ),
        (
            event(9, "set_alias", "1", alias="champion", version="1", previous=None),
            "alias 'champion' named 2, not None",
        ),
        (
            event(9, "delete_alias", "1", alias="champion", version="1"),
            "alias 'champion' named 2, not 1",
        ),
        (event(9, "update_model", changes={"name": ["other", "x"]}), "there was no model 'other'"),
        (event(9, "update_model", changes={"name": "x"}), "not readable"),
        (event(9, "transition", "1", to="X"), "not readable"),
    ],
)
def test_event_that_cannot_follow(last: dict[str, Any], why: str) -> None:
    """An event that cannot follow from those before is named, with the reason."""
    with pytest.raises(ChainBroken, match=f"Event 9 .* cannot follow .*{why}") as caught:
        replay([*STORY[:8], last])
    assert caught.value.fields["seq"] == 9


class PlainRegistry(RuleBasedStateMachine):
    """Random histories: the fold agrees with a registry of plain dicts after every event."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.seq = 0
        self.stages: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.tell("create_model")

    def tell(self, action: str, label: str | None = None, /, **detail: Any) -> None:
        self.seq += 1
        self.state.apply(event(self.seq, action, label, **detail))

    @rule(stage=st.sampled_from(STAGES))
    def register(self, stage: str) -> None:
        label = str(self.seq)
        self.stages[label] = stage
        self.tell("register_version", label, stage=stage)

    @precondition(lambda self: self.stages)
    @rule(data=st.data(), to=st.sampled_from(STAGES))
    def move(self, data: st.DataObject, to: str) -> None:
        label = data.draw(st.sampled_from(sorted(self.stages)))
        before, self.stages[label] = self.stages[label], to
        self.tell("transition", label, **{"from": before, "to": to})

    @precondition(lambda self: self.stages)
    @rule(data=st.data(), alias=st.sampled_from("ab"))
    def name(self, data: st.DataObject, alias: str) -> None:
        label = data.draw(st.sampled_from(sorted(self.stages)))
        previous = self.aliases.get(alias)
        self.aliases[alias] = label
        self.tell("set_alias", label, alias=alias, version=label, previous=previous)

    @precondition(lambda self: self.aliases)
    @rule(data=st.data())
    def unname(self, data: st.DataObject) -> None:
        alias = data.draw(st.sampled_from(sorted(self.aliases)))
        label = self.aliases.pop(alias)
        self.tell("delete_alias", label, alias=alias, version=label)

    @precondition(lambda self: self.stages)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        label = data.draw(st.sampled_from(sorted(self.stages)))
        gone = sorted(alias for alias, named in self.aliases.items() if named == label)
        self.aliases = {a: named for a, named in self.aliases.items() if named != label}
        self.tell("delete_version", label, stage=self.stages.pop(label), aliases=gone)

    @rule()
    def away_and_back(self) -> None:
        self.tell("delete_model")
        self.tell("restore_model")

    @invariant()
    def agrees(self) -> None:
        model = self.state.models["churn"]
        assert (model.stages, model.aliases) == (self.stages, self.aliases)


TestPlainRegistry = PlainRegistry.TestCase
TestPlainRegistry.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
