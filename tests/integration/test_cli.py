"""The command line against a registry of its own: what it says, does, and ends with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli_runner import READS, Terminal
from lockgate import connect


@pytest.fixture
def lockgate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal on an empty registry."""
    return Terminal(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with churn 1.0.0 in production and 1.1.0 in staging."""
    database = tmp_path_factory.mktemp("prepared") / "registry.db"
    with connect(f"sqlite:///{database}", actor="ana") as registry:
        registry.register_model("churn", "1.0.0", metrics={"auc": 0.9}, tags={"team": "risk"})
        registry.register_model("churn", "1.1.0", metrics={"auc": 0.92})
        registry.promote("churn", "1.0.0", "staging")
        registry.promote("churn", "1.0.0", "production")
        registry.promote("churn", "1.1.0", "staging")
    return database


@pytest.fixture
def churn(lockgate: Terminal, prepared: Path, tmp_path: Path) -> Terminal:
    """A terminal on a registry of its own with churn in it."""
    shutil.copy(prepared, tmp_path / "registry.db")
    return lockgate


def test_a_promotion_says_who_made_room(churn: Terminal) -> None:
    """One line names the version, its stage, and who was displaced to where."""
    assert churn.done("promote", "churn", "1.1.0", "--to", "prod") == (
        "churn 1.1.0 is in Production; 1.0.0 stepped back to Staging.\n"
    )
    assert churn.done("rollback", "churn") == (
        "churn 1.0.0 is in Production; 1.1.0 stepped back to Staging.\n"
    )


@pytest.mark.parametrize(
    "written",
    [
        ["churn:1.1.0"],
        ["churn", "1.1.0"],
        ["default/churn:1.1.0"],
        ["default/churn", "1.1.0"],
        ["churn@staging"],
        ["churn@latest"],
        ["churn", "2"],
    ],
)
def test_a_version_may_be_written_in_every_way(churn: Terminal, written: list[str]) -> None:
    """Reference or name and version, with or without project, by stage or number: the same."""
    assert churn.done("promote", *written).startswith("churn 1.1.0 is in Production")


def test_a_bare_name_is_not_promoted(churn: Terminal) -> None:
    """What is to change must be said: a name alone is bad usage."""
    ended = churn("promote", "churn")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == ("error: 'churn' names no version: write churn:VERSION, or churn VERSION\n")


def test_a_refusal_names_the_commands_that_would_work(churn: Terminal) -> None:
    """The next steps of the lifecycle come as commands, and they do work."""
    ended = churn("promote", "churn:1.0.0")
    hints = [line.removeprefix("  hint: ") for line in ended.err.splitlines() if "hint" in line]
    assert ended.code == 1
    assert hints == ["lockgate demote churn:1.0.0 --to Staging", "lockgate archive churn:1.0.0"]
    assert churn(*hints[0].split()[1:]).code == 0


def test_staying_is_no_change(churn: Terminal) -> None:
    """Promoting to the stage where the version stands says so and succeeds."""
    assert churn.done("promote", "churn:1.0.0", "--to", "production") == (
        "churn 1.0.0 already stands in Production; nothing changed.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["promote", "churn:1.0.0"], 1),
        (["promote", "churn:1.1.0", "--expect", "None"], 1),
        (["model", "create", "churn"], 1),
        (["version", "register", "churn:1.0.0"], 1),
        (["version", "delete", "churn:1.0.0"], 1),
        (["model", "create", "a:b"], 2),
        (["promote"], 2),
        (["promote", "churn:1.0.0", "--nonsense"], 2),
        (["promot", "churn:1.0.0"], 2),
        (["version", "log-metrics", "churn:1.0.0", "--metric", "auc=nan"], 2),
        (["version", "log-metrics", "churn:1.0.0"], 2),
        (["search", "metrics.auc >"], 2),
        (["model", "list", "--limit", "0"], 2),
        (["lifecycle", "validate", "/nonexistent.toml"], 2),
        (["serve", "--host", "192.0.2.1"], 2),
        (["migrate", "--database", "http://127.0.0.1:1"], 2),
        (["model", "show", "nix"], 3),
        (["version", "show", "churn:9"], 3),
        (["resolve", "churn@challenger"], 3),
        (["project", "show", "nix"], 3),
        (["lifecycle", "show", "nix"], 3),
        (["--url", "http://127.0.0.1:1", "model", "list"], 4),
        (["rollback", "churn", "--stage", "Archived"], 3),
    ],
)
def test_exit_codes(churn: Terminal, arguments: list[str], code: int) -> None:
    """Refused 1, wrongly written 2, not found 3, unavailable 4; a sentence on standard error."""
    ended = churn(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("error: ")


@pytest.mark.parametrize("arguments", [["model", "show", "nix"], ["promote"], ["promot"]])
def test_errors_in_json(churn: Terminal, arguments: list[str]) -> None:
    """With --json an error is an object on standard error, and standard output stays empty."""
    ended = churn(*arguments, "--json") if arguments != ["promot"] else churn("--json", "promot")
    problem = json.loads(ended.err)
    assert ended.out == ""
    assert {"code", "detail", "exit_code", "fields", "hints"} == problem.keys()
    assert problem["exit_code"] == ended.code


def test_a_fault_in_a_filter_is_pointed_at(lockgate: Terminal) -> None:
    """The caret stands under the faulty column."""
    ended = lockgate("search", "stage = 'x' and nonsense = 3")
    line, caret = ended.err.splitlines()[1:3]
    assert ended.code == 2
    assert line[caret.index("^") :].startswith("nonsense")


@pytest.mark.parametrize("arguments", READS, ids=" ".join)
def test_every_reading_command_speaks_json_and_text(churn: Terminal, arguments: list[str]) -> None:
    """--json is JSON before the command and after it; without it there is text without colours."""
    text = churn(*arguments).out
    after, before = churn(*arguments, "--json"), churn("--json", *arguments)
    assert (after.code, before.code) == (0, 0)
    assert (after.err, before.err) == ("", "")
    assert after.json == before.json
    assert text
    assert "\x1b" not in text


WRITES = [
    (["model", "create", "fraud", "--tag", "a=b", "--owner", "bo"], "name", "fraud"),
    (["model", "update", "churn", "--description", "who leaves"], "description", "who leaves"),
    (["model", "update", "churn", "--rename", "attrition"], "name", "attrition"),
    (["version", "register", "churn", "--stage", "none"], "label", "3"),
    (["version", "update", "churn:1.1.0", "--tag", "a", "--param", "x=1"], "params", {"x": 1}),
    (["version", "update", "churn:1.0.0", "--untag", "team"], "tags", {}),
    (["version", "log-metrics", "churn:1.1.0", "--metric", "f1=0.5"], "metrics", None),
    (["version", "log-metrics", "churn:1.1.0", "--remove", "auc"], "metrics", {}),
    (["version", "delete", "churn:1.1.0"], "deleted", "default/churn:1.1.0"),
    (["model", "delete", "churn", "--force"], "deleted", "default/churn"),
    (["alias", "set", "churn:1.1.0", "champion"], "alias", "champion"),
    (["alias", "set", "churn", "champion", "1.1.0"], "version", "1.1.0"),
    (["project", "create", "risk", "--lifecycle", "linear"], "lifecycle", "linear"),
    (["project", "update", "default", "--description", "ours"], "description", "ours"),
]


@pytest.mark.parametrize(("arguments", "field", "expected"), WRITES)
def test_every_writing_command_answers_with_what_it_made(
    churn: Terminal, arguments: list[str], field: str, expected: object
) -> None:
    """--json is the thing as it is now."""
    made = churn(*arguments, "--json").json
    assert field in made
    assert expected in (None, made[field])


@pytest.mark.parametrize(
    ("verb", "version", "stage"),
    [
        (["promote"], "churn:1.1.0", "Production"),
        (["demote"], "churn:1.0.0", "Staging"),
        (["archive"], "churn:1.0.0", "Archived"),
        (["transition", "--to", "none"], "churn:1.1.0", "None"),
    ],
)
def test_every_verb_of_passage(churn: Terminal, verb: list[str], version: str, stage: str) -> None:
    """Each takes the version where it says, with the comment on record."""
    made = churn(*verb, version, "-m", "because", "--json").json
    assert (made["version"]["stage"], made["transition"]["comment"]) == (stage, "because")


def test_what_is_deleted_can_be_restored(churn: Terminal) -> None:
    """A version comes back in the initial stage, a model as it was."""
    churn.done("version", "delete", "churn:1.1.0")
    assert churn.done("version", "restore", "churn:1.1.0") == "churn 1.1.0 is back, in None.\n"
    churn.done("model", "delete", "churn", "--force")
    assert churn.done("model", "restore", "churn") == (
        "Model default/churn is back, with 2 versions.\n"
    )
    assert churn.done("resolve", "churn@production") == "default/churn:1.0.0\n"


def test_an_alias_moves_and_goes(churn: Terminal) -> None:
    """Set, list, resolve, delete."""
    assert churn.done("alias", "set", "churn:1.0.0", "champion", "--protected") == (
        "churn@champion is 1.0.0 now.\n"
    )
    assert churn("alias", "list", "churn", "--json").json[0]["protected"] is True
    assert churn.done("resolve", "churn@champion") == "default/churn:1.0.0\n"
    churn.done("alias", "delete", "churn", "champion")
    assert churn("resolve", "churn@champion").code == 3


def test_the_past_can_be_asked(churn: Terminal) -> None:
    """``resolve --at`` and ``latest --at`` answer with what stood there then."""
    then = churn("resolve", "churn@production", "--json").json["stage_since"]
    churn.done("promote", "churn:1.1.0")
    assert churn.done("resolve", "churn@production") == "default/churn:1.1.0\n"
    assert churn.done("resolve", "churn@production", "--at", then) == "default/churn:1.0.0\n"
    assert churn.done("latest", "churn", "--stage", "prod", "--at", then) == (
        "default/churn:1.0.0\n"
    )
    assert churn("resolve", "churn@production", "--at", "yesterday").code == 2


def test_a_comparison_shows_the_change(churn: Terminal) -> None:
    """Both values, the delta with its direction, and percent; tags that differ below."""
    drawn = churn.done("compare", "churn", "1.0.0", "1.1.0").splitlines()
    assert drawn[:2] == [
        "METRIC  1.0.0  1.1.0   DELTA   CHANGE",
        "auc       0.9   0.92  ▲ 0.02  +2.22 %",
    ]
    assert drawn[3:] == ["TAG   1.0.0  1.1.0", "team   risk      –"]


def test_versions_of_two_models_can_be_compared(churn: Terminal) -> None:
    """The heads then name both models."""
    churn.done("version", "register", "fraud:1", "--metric", "auc=0.8")
    head = churn.done("compare", "churn:1.0.0", "fraud:1").splitlines()[0]
    assert head.split()[:3] == ["METRIC", "default/churn:1.0.0", "default/fraud:1"]


def test_a_history_is_drawn(churn: Terminal) -> None:
    """A row for each stay, and an arrow for what still stands."""
    rows = churn.done("history", "churn").splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [
        ["None", "1.0.0"],
        ["None", "1.1.0"],
        ["Staging", "1.0.0"],
        ["Staging", "1.1.0"],
        ["Production", "1.0.0"],
    ]
    assert ["▶" in row for row in rows] == [False, False, False, True, True]


def test_pages_are_walked(lockgate: Terminal) -> None:
    """--limit stops and says that there is more; --all goes on to the end, over many pages."""
    for _ in range(3):
        lockgate.done("version", "register", "churn")
    short = lockgate("version", "list", "churn", "--limit", "2")
    assert len(short.out.splitlines()) == 3
    assert short.err == "The first 2; --limit N shows more, --all everything.\n"
    page = lockgate("version", "list", "churn", "--limit", "2", "--json").json
    assert ([item["label"] for item in page["items"]], bool(page["next_cursor"])) == (
        ["3", "2"],
        True,
    )
    whole = lockgate("version", "list", "churn", "--all", "--json").json
    assert ([item["label"] for item in whole["items"]], whole["next_cursor"]) == (
        ["3", "2", "1"],
        None,
    )


def test_a_project_is_named_before_or_after(lockgate: Terminal) -> None:
    """--project says where bare names belong; listings then show that project alone."""
    lockgate.done("project", "create", "risk")
    lockgate.done("--project", "risk", "model", "create", "churn")
    lockgate.done("model", "create", "churn")
    everywhere = lockgate("model", "list", "--json").json["items"]
    assert sorted(model["project"] for model in everywhere) == ["default", "risk"]
    found = lockgate("model", "list", "--project", "risk", "--json").json["items"]
    assert [(model["project"], model["name"]) for model in found] == [("risk", "churn")]
    assert lockgate.done("summary", "--project", "risk").startswith(
        "1 model, 0 versions in project risk"
    )


def test_the_last_word_counts(lockgate: Terminal) -> None:
    """An option after the command overrides the same one before it."""
    lockgate.done("--actor", "bo", "model", "create", "churn", "--actor", "eve")
    assert lockgate("model", "show", "churn", "--json").json["created_by"] == "eve"


def test_the_log_is_read_and_verified(churn: Terminal) -> None:
    """Newest first, filtered by model and actor; verify names size and root."""
    events = churn("audit", "log", "--model", "churn", "--by", "ana", "--json").json["items"]
    assert [event["seq"] for event in events] == list(range(7, 1, -1))
    assert "promote Staging → Production" in churn.done("audit", "log")
    assert churn.done("audit", "verify").startswith(
        "The log of project default is whole: 7 events, root "
    )


def test_a_server_open_to_others_is_refused(lockgate: Terminal) -> None:
    """The refusal says why, and what to pass for those who mean it."""
    ended = lockgate("serve", "--host", "192.0.2.1")
    assert "other machines" in ended.err
    assert "--insecure" in ended.err


def test_the_version_is_printed(lockgate: Terminal) -> None:
    """``--version`` needs no registry."""
    from lockgate import __version__

    assert lockgate.done("--version") == f"lockgate {__version__}\n"


def test_a_group_without_a_command_shows_its_help(lockgate: Terminal) -> None:
    """``lockgate model`` lists what can be done with models."""
    assert "restore" in lockgate.done("model")


def test_the_demo_is_a_life_in_commands(lockgate: Terminal) -> None:
    """Every command that it prints was run: the registry afterwards tells the same story."""
    told = lockgate("demo").out
    ran = [line.split()[2] for line in told.splitlines() if line.startswith("$ lockgate")]
    assert ran == [
        *["version"] * 3,
        *("promote", "promote", "alias"),
        *("compare", "promote", "promote"),
        *("promote", "promote", "compare", "rollback", "resolve"),
        *("alias", "deploy", "split", "outcomes", "outcomes", "outcomes", "monitor", "observe"),
        *("history", "audit", "audit", "summary"),
    ]
    assert lockgate.done("resolve", "digits@production") == "default/digits:2\n"
    versions = lockgate("version", "list", "digits", "--json").json["items"]
    accuracy = {version["label"]: version["metrics"]["accuracy"] for version in versions}
    assert accuracy["2"] > accuracy["1"] > 0.8
    seen = lockgate("monitor", "list", "digits", "--json").json
    assert [each["name"] for each in seen] == ["accuracy-in-use"]
    assert lockgate("demo").code == 0
    assert lockgate.done("resolve", "digits@production") == "default/digits:5\n"
