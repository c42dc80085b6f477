"""Gates on the command line: asking, deciding, reporting, forcing, and verifying the log."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli_runner import Ended, Terminal, run_program

POLICY = """
[[requirements]]
kind = "metric"
name = "auc"
comparison = ">="
threshold = 0.9

[[requirements]]
kind = "approvals"
count = 1

[[requirements]]
kind = "tag"
name = "team"
mode = "advisory"
"""


@pytest.fixture
def lockgate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal on churn 1 in staging, with a policy on the way to production."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    terminal = Terminal(tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("LOCKGATE_AUDIT_KEY", str(tmp_path / "audit.key"))
    monkeypatch.chdir(tmp_path)
    Path("policy.toml").write_text(POLICY)
    terminal.done("version", "register", "churn:1", "--metric", "auc=0.8")
    terminal.done("promote", "churn:1")
    terminal.done("policy", "attach", "policy.toml", "--model", "churn", "--stage", "production")
    return terminal


def test_gate_prints_a_table_and_ends_with_the_verdict(lockgate: Terminal) -> None:
    """A closed gate is 1 with what is missing, an open one is 0."""
    ended = lockgate("gate", "churn:1", "--to", "production")
    assert ended.code == 1
    assert ended.out == (
        "The gate to Production for default/churn:1 is closed: 3 of 3 do not hold.\n"
        "\n"
        "   REQUIREMENT  OBSERVED  WANTED   SAYS\n"
        "✗  metric auc   0.8       >= 0.9   Metric 'auc' = 0.8 does not satisfy >= 0.9\n"
        "–  approvals    0         1        Approvals 0 < required 1\n"
        "–  tag team     –         present  Missing required tag 'team' (advice)\n"
        "\n"
        "Still missing:\n"
        "  a version whose metric 'auc' is >= 0.9\n"
        "  1 more approval, by somebody other than ana\n"
    )
    lockgate.done("policy", "detach", "--model", "churn", "--stage", "production")
    assert lockgate.done("gate", "churn:1") == (
        "The gate to Production for default/churn:1 is open: nothing is asked.\n"
    )


def test_gate_as_json(lockgate: Terminal) -> None:
    """JSON is the report, whether asked for by format or for everything."""
    for arguments in (["--format", "json"], ["--json"]):
        ended = lockgate("gate", "churn:1", *arguments)
        assert (ended.code, ended.json["allowed"], len(ended.json["rows"])) == (1, False, 3)


def test_gate_for_github_writes_a_summary(
    lockgate: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Annotations go to the output, a summary is added to the file that the runner names."""
    summary = Path("summary.md")
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ended = lockgate("gate", "churn:1", "--format", "github")
    assert ended.code == 1
    assert [line.partition(" ")[0] for line in ended.out.splitlines()] == [
        "::error",
        "::error",
        "::warning",
    ]
    assert summary.read_text().startswith("before\n### The gate to Production for default/churn:1")
    summary.unlink()
    summary.mkdir()
    assert lockgate("gate", "churn:1", "--format", "github").code == 4


@pytest.mark.parametrize("form", ["junit", "table", "json", "github"])
def test_gate_writes_a_file(lockgate: Terminal, form: str) -> None:
    """Every form can go to a file; the verdict is then told in a line."""
    on_paper = lockgate("gate", "churn:1", "--format", form).out
    ended = lockgate("gate", "churn:1", "--format", form, "--output", "report")
    assert (ended.code, ended.out) == (1, "")
    assert "is closed: 3 of 3 do not hold" in ended.err
    assert Path("report").read_text() == on_paper
    if form == "junit":
        assert ElementTree.parse("report").getroot().get("failures") == "2"  # noqa: S314


def test_refused_promotion_names_the_gate(lockgate: Terminal) -> None:
    """A refusal has a line for each thing that blocks, and the command that explains it."""
    ended = lockgate("promote", "churn:1")
    assert ended.code == 1
    assert ended.err == (
        "error: Metric 'auc' = 0.8 does not satisfy >= 0.9\n"
        "error: Approvals 0 < required 1\n"
        "  hint: lockgate gate churn:1 --to Production\n"
    )


def test_request_to_production(lockgate: Terminal) -> None:
    """Ask, look into the inbox, approve by the version's name: it is in production."""
    lockgate.done("version", "log-metrics", "churn:1", "--metric", "auc=0.95")
    asked = lockgate.done("request", "churn:1", "--to", "prod", "--auto", "-m", "ready")
    assert "churn 1 waits at the gate to Production." in asked
    assert "  1 more approval, by somebody other than ana\n" in asked
    inbox = lockgate.done("inbox")
    assert "default/churn:1  Production  ana" in inbox
    refused = lockgate("approve", "churn:1")
    assert refused.code == 1
    assert refused.err.startswith("error: ana registered this version and cannot approve it")
    done = lockgate.done("--actor", "bob", "approve", "churn:1", "--to", "prod", "-m", "good")
    assert done == "Approved. churn 1 is in Production.\n"
    assert lockgate.done("inbox", "--json") == '{\n  "items": [],\n  "next_cursor": null\n}\n'
    assert json.loads(lockgate.done("inbox", "--status", "completed", "--json"))["items"]


def test_approved_by_uid_waits_for_a_hand(lockgate: Terminal) -> None:
    """Without --auto an open gate is said to be open; the uid names the request as well."""
    lockgate.done("version", "log-metrics", "churn:1", "--metric", "auc=0.95")
    uid = json.loads(lockgate.done("request", "churn:1", "--to", "production", "--json"))
    done = lockgate.done("--actor", "bob", "approve", uid["request"]["uid"])
    assert done == "Approved. The gate to Production is open for churn 1.\n"


def test_rejected_and_withdrawn(lockgate: Terminal) -> None:
    """A rejection closes the request; a new one can be withdrawn; then there is none."""
    lockgate.done("request", "churn", "1", "--to", "production")
    told = lockgate.done("--actor", "bob", "reject", "churn:1", "-m", "biased")
    assert told == "Rejected. The request to let churn 1 into Production is closed.\n"
    lockgate.done("request", "churn:1", "--to", "production")
    assert lockgate.done("withdraw", "churn:1") == "Withdrawn: churn 1 to Production.\n"
    ended = lockgate("withdraw", "churn:1")
    assert (ended.code, ended.err) == (
        3,
        "error: Promotion request 'default/churn:1' not found.\n  hint: lockgate inbox\n",
    )


def test_several_open_requests_have_to_be_told_apart(lockgate: Terminal) -> None:
    """Where a version has two open requests, the stage says which."""
    lockgate.done("demote", "churn:1")
    for stage in ("staging", "production"):
        lockgate.done("request", "churn:1", "--to", stage)
    ended = lockgate("reject", "churn:1")
    assert ended.code == 2
    assert "say which with --to" in ended.err
    assert lockgate("reject", "churn:1", "--to", "staging").code == 0


def test_policies(lockgate: Terminal) -> None:
    """A policy is listed, told in sentences, tried and validated."""
    assert "model  enforce" in lockgate.done("policy", "list", "--model", "churn")
    assert lockgate.done("policy", "show", "--model", "churn", "--stage", "prod") == (
        "Model default/churn, before Production (enforce):\n"
        "  Metric 'auc' must be >= 0.9\n"
        "  1 person, not the author must approve; 1 rejection blocks\n"
        "  Tag 'team' must be present (advisory)\n"
    )
    lax, _, _ = POLICY.replace("0.9", "0.1").partition('[[requirements]]\nkind = "approvals')
    Path("lax.toml").write_text(lax)
    assert "is open: 1 of 1 hold." in lockgate.done("policy", "check", "lax.toml", "churn:1")
    assert lockgate("policy", "check", "policy.toml", "churn:1").code == 1
    assert lockgate.done("policy", "validate", "lax.toml") == (
        "lax.toml is a valid policy (enforce): 1 requirement\n  Metric 'auc' must be >= 0.1\n"
    )
    lockgate.done("policy", "detach", "--model", "churn", "--stage", "production")
    ended = lockgate("policy", "show", "--model", "churn", "--stage", "production")
    assert (ended.code, "lockgate policy list" in ended.err) == (3, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mode = ", ["bad.toml is not valid TOML"]),
        ("[]", ["bad.json is not valid JSON", "bad.json holds no object with fields"]),
        (
            '[[requirements]]\nkind = "metric"\nname = "a"\ncomparison = "~"\nthreshold = nan',
            ["requirements[0].comparison", "requirements[0].threshold"],
        ),
    ],
)
def test_bad_policies_are_refused_with_every_fault(
    lockgate: Terminal, text: str, told: list[str]
) -> None:
    """A document that is none, or has faults, is bad usage; each fault has its line."""
    name = "bad.json" if text == "[]" else "bad.toml"
    Path(name).write_text(text)
    ended = lockgate("policy", "attach", name, "--stage", "production")
    assert (ended.code, ended.out) == (2, "")
    assert any(each in ended.err for each in told)
    assert name == "bad.json" or all(each in ended.err for each in told)


def test_checks_and_members(lockgate: Terminal) -> None:
    """CI reports and everybody can list; roles are given and listed."""
    lockgate.done("--actor", "ci", "check", "report", "churn:1", "tests", "passed")
    assert "tests  passed" in lockgate.done("check", "list", "churn:1")
    assert lockgate("check", "report", "churn:1", "tests", "green").code == 2
    assert "everybody may everything" in lockgate.done("member", "list")
    assert lockgate.done("member", "set", "ana", "admin") == "ana is admin in default.\n"
    lockgate.done("member", "set", "bob", "viewer", "approver")
    assert "bob     approver, viewer" in lockgate.done("member", "list")
    lockgate.done("member", "remove", "bob")
    assert lockgate("--actor", "bob", "member", "set", "bob", "admin").code == 5


def test_forcing_stands_out(lockgate: Terminal) -> None:
    """Force takes a reason; the log and the version's passages then say FORCED."""
    assert lockgate("promote", "churn:1", "--force").code == 2
    done = lockgate.done("promote", "churn:1", "--force", "--reason", "it burns")
    assert done == "churn 1 is in Production, past a closed gate.\n"
    first = lockgate.done("audit", "log").splitlines()[1]
    assert "FORCED promote Staging → Production, reason: it burns" in first
    assert "FORCED" in lockgate.done("version", "transitions", "churn:1")


def test_log_is_verified_offline(lockgate: Terminal, tmp_path: Path) -> None:
    """An exported log verifies with a public key in an empty folder; a changed one is corrupt."""
    key = lockgate("audit", "keygen").out.strip()
    assert lockgate("audit", "keygen").code == 2
    kept = lockgate("audit", "checkpoint", "--output", "kept.txt")
    assert kept.err == f"verify with --key {key}\n"
    lockgate.done("alias", "set", "churn:1", "champion")
    lockgate.done("audit", "export", "-o", "log.jsonl")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("log.jsonl", "kept.txt"):
        os.replace(name, elsewhere / name)

    def verify(*more: str) -> Ended:
        return run_program("audit", "verify", "--file", "log.jsonl", *more, cwd=elsewhere)

    good = verify("--key", key, "--checkpoint", "kept.txt")
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("The log in log.jsonl is whole: 6 events, root ")
    assert sorted(each.name for each in elsewhere.iterdir()) == ["kept.txt", "log.jsonl"]
    assert verify().code == 2
    assert verify("--key", "nonsense+00+x").code == 2
    log = elsewhere / "log.jsonl"
    log.write_text(log.read_text().replace('"actor":"ana"', '"actor":"eve"', 1))
    bad = verify("--key", key)
    assert (bad.code, bad.out) == (6, "")
    assert bad.err.startswith("error: Event 2 was replaced")


def test_log_is_verified_against_a_checkpoint_kept_elsewhere(lockgate: Terminal) -> None:
    """The registry's own log is compared with a checkpoint; checkpoints are listed."""
    printed = lockgate("audit", "checkpoint").out
    Path("kept.txt").write_text(printed)
    assert lockgate.done("audit", "verify", "--checkpoint", "kept.txt").startswith(
        "The log of project default is whole"
    )
    assert printed.splitlines()[2] in lockgate.done("audit", "checkpoints")
    assert lockgate.done("audit", "export").count("\n") == 6
    Path("kept.txt").write_text(printed.replace("\n5\n", "\n4\n"))
    assert lockgate("audit", "verify", "--checkpoint", "kept.txt").code == 6


def test_the_log_says_why_a_passage_was_refused(lockgate: Terminal) -> None:
    """What a person looks for in an event is in the log's table: values, not names of fields."""
    assert lockgate("promote", "churn:1").code == 1
    lockgate.done("version", "log-metrics", "churn:1", "--metric", "auc=0.85")
    told = lockgate.done("audit", "log")
    assert "churn:1  auc=0.85" in told
    assert "Staging → Production: Metric 'auc' = 0.8 does not satisfy >= 0.9; Approvals" in told


def test_an_action_that_does_not_exist_is_told(lockgate: Terminal) -> None:
    """An empty log is explained when the action was misspelt."""
    told = lockgate("audit", "log", "--action", "transitions").err
    assert "There is no action 'transitions'; did you mean transition?" in told


def test_the_link_of_a_check_is_kept_with_it(lockgate: Terminal) -> None:
    """``check report --link`` says where the run can be looked at, to whichever registry."""
    lockgate.done("check", "report", "churn:1", "tests", "passed", "--link", "https://ci.example/7")
    assert "https://ci.example/7" in lockgate.done("check", "list", "churn:1")
