"""Model files (lines 57 to 66): nothing that could run code is ever called data only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attacked import V1, Target
from hostile_files import CODE_OR_UNKNOWN

HOSTILE = f"{V1}/projects/default/models/hostile"


@pytest.fixture(scope="module")
def verdicts(target: Target, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the server says of every hostile file, by the folder it was pushed in."""
    out = tmp_path_factory.mktemp("hostile")
    for number, (name, data) in enumerate(CODE_OR_UNKNOWN.values()):
        (out / str(number)).mkdir()
        (out / str(number) / name).write_bytes(data)
    target.registry.push(out, "hostile", "1")
    listed = target.http.get(f"{HOSTILE}/versions/1/files").json()["files"]
    return {file["path"].partition("/")[0]: file for file in listed}


@pytest.mark.parametrize("number", range(len(CODE_OR_UNKNOWN)), ids=list(CODE_OR_UNKNOWN))
def test_57_to_66_never_data_only(verdicts: dict[str, Any], number: int) -> None:
    """Lines 57 to 66: pushed to the server, each is ``code`` or ``unknown``, with a reason."""
    found = verdicts[str(number)]
    assert found["verdict"] in ("code", "unknown")
    assert found["reason"]


def test_57_the_gate_stays_shut(target: Target, verdicts: dict[str, Any]) -> None:
    """Lines 57 to 66: a policy that asks for proof refuses the version and names the files."""
    policy = {"policy": {"requirements": [{"kind": "scan"}]}}
    put = target.http.put(f"{HOSTILE}/policies/Staging", json=policy)
    assert put.status_code == 200, put.text
    answer = target.http.post(f"{HOSTILE}/versions/1/transitions", json={"to": "Staging"})
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_violated")
    assert verdicts["0"]["path"] in json.dumps(answer.json()["report"])
    assert target.http.get(f"{HOSTILE}/versions/1").json()["stage"] == "None"


def test_58_nothing_was_unpacked(target: Target, verdicts: dict[str, Any], tmp_path: Path) -> None:
    """Line 58: what comes back is byte by byte what was pushed, and nothing beside it."""
    target.registry.pull("hostile:1", tmp_path / "back")
    found = {
        path.relative_to(tmp_path / "back").as_posix(): path.read_bytes()
        for path in (tmp_path / "back").rglob("*")
        if path.is_file()
    }
    expected = {
        f"{number}/{name}": data for number, (name, data) in enumerate(CODE_OR_UNKNOWN.values())
    }
    assert expected == found
    assert len(verdicts) == len(expected)
