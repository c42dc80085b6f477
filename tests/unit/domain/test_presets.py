"""The presets' tables, written out by hand: every stage to every stage under every verb."""

from __future__ import annotations

import pytest

from lockgate.domain.lifecycles import VERBS, Lifecycle
from lockgate.domain.planning import Move, Plan, Standing, plan_transition
from lockgate.domain.presets import DEFAULT_LIFECYCLE, PRESET_DOCUMENTS, preset
from lockgate.errors import TransitionNotAllowed

NTP = "None", "Staging", "Production", "Archived"
STAGES: dict[str, tuple[str, ...]] = {
    "standard": NTP,
    "linear": ("Dev", "Staging", "Production"),
    "kanban": ("Development", "Staging", "Production", "Archived"),
    "open": ("none", "staging", "production", "archived"),
    "single": ("none", "staging", "production", "archived"),
    "strict": NTP,
    "unstaged": ("none",),
}

_STANDARD_WAYS = """
    None>Staging Staging>Production Production>Staging Staging>None
    None>Archived Staging>Archived Production>Archived
"""
_OPEN_WAYS = """
    none>staging none>production none>archived
    staging>none staging>production staging>archived
    production>none production>staging production>archived
    archived>none archived>staging archived>production
"""
_OPEN_TABLE = {
    "promote": "none>staging none>production staging>production",
    "demote": """
        production>staging production>none staging>none
        archived>production archived>staging archived>none
    """,
    "archive": "none>archived staging>archived production>archived",
    "rollback": _OPEN_WAYS,
    "transition": _OPEN_WAYS,
}
# What leads from one stage to another; staying where one is has its own table below.
WAYS: dict[str, dict[str, str]] = {
    "standard": {
        "promote": "None>Staging Staging>Production",
        "demote": "Production>Staging Staging>None",
        "archive": "None>Archived Staging>Archived Production>Archived",
        "rollback": _STANDARD_WAYS + "Archived>Production",
        "transition": _STANDARD_WAYS,
    },
    "linear": {
        "promote": "Dev>Staging Staging>Production",
        "demote": "Production>Staging Staging>Dev",
        "archive": "",
        "rollback": "",
        "transition": "Dev>Staging Staging>Production Production>Staging Staging>Dev",
    },
    "kanban": {
        "promote": "Development>Staging Staging>Production",
        "demote": "",
        "archive": "Development>Archived Staging>Archived Production>Archived",
        "rollback": """
            Development>Staging Staging>Production
            Development>Archived Staging>Archived Production>Archived
        """,
        "transition": """
            Development>Staging Staging>Production
            Development>Archived Staging>Archived Production>Archived
        """,
    },
    "open": _OPEN_TABLE,
    "single": _OPEN_TABLE,
    "strict": {
        "promote": "None>Staging Staging>Production",
        "demote": "Production>Staging",
        "archive": "Staging>Archived Production>Archived",
        "rollback": """
            None>Staging Staging>Production Production>Staging
            Staging>Archived Production>Archived
        """,
        "transition": """
            None>Staging Staging>Production Production>Staging
            Staging>Archived Production>Archived
        """,
    },
    "unstaged": dict.fromkeys(VERBS, ""),
}
SAME_STAGE = {
    "standard": "noop_audit",
    "linear": "reject",
    "kanban": "reject",
    "open": "record",
    "single": "record",
    "strict": "noop_audit",
    "unstaged": "noop",
}
OPTIONS: dict[str, dict[str, object]] = {
    "standard": {
        "initial": "None",
        "initial_choice": False,
        "same_stage": "noop_audit",
        "on_duplicate_version": "conflict",
        "on_duplicate_model": "conflict",
        "version_scheme": "string",
        "latest_by": "seq",
    },
    "linear": {
        "initial": "Dev",
        "initial_choice": False,
        "same_stage": "reject",
        "on_duplicate_version": "return_existing",
        "on_duplicate_model": "conflict",
        "version_scheme": "string",
        "latest_by": "created",
    },
    "kanban": {
        "initial": "Development",
        "initial_choice": False,
        "same_stage": "reject",
        "on_duplicate_version": "conflict",
        "on_duplicate_model": "conflict",
        "version_scheme": "int",
        "latest_by": "seq",
    },
    "open": {
        "initial": "none",
        "initial_choice": True,
        "same_stage": "record",
        "on_duplicate_version": "conflict",
        "on_duplicate_model": "conflict",
        "version_scheme": "string",
        "latest_by": "seq",
    },
    "single": {
        "initial": "none",
        "initial_choice": True,
        "same_stage": "record",
        "on_duplicate_version": "conflict",
        "on_duplicate_model": "conflict",
        "version_scheme": "string",
        "latest_by": "seq",
    },
    "strict": {
        "initial": "None",
        "initial_choice": False,
        "same_stage": "noop_audit",
        "on_duplicate_version": "conflict",
        "on_duplicate_model": "return_existing",
        "version_scheme": "string",
        "latest_by": "seq",
    },
    "unstaged": {
        "initial": "none",
        "initial_choice": False,
        "same_stage": "noop",
        "on_duplicate_version": "conflict",
        "on_duplicate_model": "conflict",
        "version_scheme": "string",
        "latest_by": "seq",
    },
}
# Stage → (exclusive, what becomes of the incumbent, what entering it does); others are plain.
MARKED: dict[str, dict[str, tuple[bool, str, tuple[str, ...]]]] = {
    "standard": {"Production": (True, "demote:Staging", ())},
    "linear": {},
    "kanban": {},
    "open": {"production": (False, "reject", ("stamp_approval",))},
    "single": {"production": (True, "demote:staging", ("stamp_approval",))},
    "strict": {"Production": (True, "demote:Staging", ())},
    "unstaged": {},
}
SERVING = {
    **dict.fromkeys(("standard", "linear", "kanban", "strict"), "Production"),
    **dict.fromkeys(("open", "single"), "production"),
    "unstaged": "none",
}
ARCHIVE = {
    "standard": "Archived",
    "linear": None,
    "kanban": "Archived",
    "open": "archived",
    "single": "archived",
    "strict": "Archived",
    "unstaged": None,
}


def outcome(lifecycle: Lifecycle, source: str, target: str, verb: str) -> str:
    """Say in a word what the one function that decides makes of a cell of the table."""
    try:
        plan = plan_transition(
            lifecycle, Standing(label="1", stage=source), lifecycle.stage(target), verb
        )
    except TransitionNotAllowed:
        return "refused"
    if not plan.moves:
        return "noop_audit" if plan.audited else "noop"
    assert len(plan.moves) == 1
    move = plan.moves[0]
    assert (source, target) == (move.source, move.target)
    return "record" if source == target else "moved"


def test_the_presets_are_those_of_the_design() -> None:
    """There are exactly seven presets, and a project gets `standard`."""
    assert set(STAGES) == set(PRESET_DOCUMENTS)
    assert DEFAULT_LIFECYCLE == "standard"


@pytest.mark.parametrize("name", STAGES)
def test_stages_and_options(name: str) -> None:
    """A preset has the stages, in order, and the options that the table gives it."""
    lifecycle = preset(name)
    assert STAGES[name] == tuple(stage.name for stage in lifecycle.stages)
    assert OPTIONS[name] == {field: getattr(lifecycle, field) for field in OPTIONS[name]}
    assert {stage: MARKED[name].get(stage, (False, "reject", ())) for stage in STAGES[name]} == {
        stage.name: (stage.exclusive, stage.incumbent, stage.on_enter) for stage in lifecycle.stages
    }
    assert SERVING[name] == lifecycle.serving_stage.name
    archive = lifecycle.archive_stage
    assert ARCHIVE[name] == (None if archive is None else archive.name)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", STAGES)
def test_every_cell(name: str, verb: str) -> None:
    """From every stage to every stage, a verb does what the table says and nothing else."""
    allowed = {tuple(way.split(">")) for way in WAYS[name][verb].split()}
    stay = {"reject": "refused"}.get(SAME_STAGE[name], SAME_STAGE[name])
    expected = {
        (source, target): stay
        if source == target
        else ("moved" if (source, target) in allowed else "refused")
        for source in STAGES[name]
        for target in STAGES[name]
    }
    lifecycle = preset(name)
    assert expected == {
        (source, target): outcome(lifecycle, source, target, verb) for source, target in expected
    }


def test_open_has_all_sixteen_edges() -> None:
    """`open` and `single` list every pair of stages, a stage and itself included."""
    for name in ("open", "single"):
        assert len(preset(name).edges) == 16


@pytest.mark.parametrize(
    ("name", "source", "target", "verb"),
    [
        ("standard", "None", "Staging", "promote"),
        ("standard", "Production", "Staging", "demote"),
        ("standard", "Production", "Archived", "archive"),
        ("open", "archived", "production", "demote"),
        ("open", "none", "production", "promote"),
    ],
)
def test_a_transition_is_named_for_its_direction(
    name: str, source: str, target: str, verb: str
) -> None:
    """What a caller asks for as `transition` is on record as the verb of its direction."""
    lifecycle = preset(name)
    plan = plan_transition(
        lifecycle, Standing(label="1", stage=source), lifecycle.stage(target), "transition"
    )
    assert verb == plan.moves[-1].verb


@pytest.mark.parametrize(
    ("name", "staging", "production"),
    [
        ("standard", "Staging", "Production"),
        ("strict", "Staging", "Production"),
        ("single", "staging", "production"),
    ],
)
def test_the_incumbent_makes_room(name: str, staging: str, production: str) -> None:
    """In an exclusive production the incumbent is demoted to staging, first, with its cause."""
    lifecycle = preset(name)
    plan = plan_transition(
        lifecycle,
        Standing(label="2", stage=staging),
        lifecycle.stage(production),
        "promote",
        [Standing(label="1", stage=production)],
    )
    stamped = name == "single"
    assert plan == Plan(
        target=production,
        moves=(
            Move(label="1", source=production, target=staging, verb="demote", displaced_by="2"),
            Move(
                label="2",
                source=staging,
                target=production,
                verb="promote",
                stamps_approval=stamped,
            ),
        ),
    )


def test_what_is_protected_from_a_delete() -> None:
    """The stage that serves is, and one for one version; not the one where versions begin."""
    protected = {
        name: [stage.name for stage in preset(name).stages if preset(name).protects(stage)]
        for name in STAGES
    }
    assert protected == {
        **{name: [serving] for name, serving in SERVING.items()},
        "unstaged": [],
    }


@pytest.mark.parametrize("name", ["linear", "kanban", "open"])
def test_several_in_production(name: str) -> None:
    """Where production is not exclusive, whoever stands there stays."""
    lifecycle = preset(name)
    staging, production = STAGES[name][1], STAGES[name][2]
    plan = plan_transition(
        lifecycle,
        Standing(label="2", stage=staging),
        lifecycle.stage(production),
        "promote",
        [Standing(label="1", stage=production)],
    )
    assert [move.label for move in plan.moves] == ["2"]


@pytest.mark.parametrize("name", STAGES)
def test_stage_names_in_any_case(name: str) -> None:
    """A stage is found in any case and with spaces around, and shown in its own spelling."""
    lifecycle = preset(name)
    for stage in STAGES[name]:
        for written in (stage.upper(), stage.lower(), f" {stage.title()} "):
            assert stage == lifecycle.stage(written).name
