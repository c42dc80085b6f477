"""Supply chain and log (lines 50 to 56): a version's bytes and its record never change quietly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attacked import CHURN, FIRST, V1, Target, a_target
from bare import run
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.signatures import sign_manifest
from lockgate.errors import VersionSealed
from lockgate.keys import new_key
from lockgate.storage.sqlite import sqlite3

IntegrityError = sqlite3.IntegrityError
MODELS = f"{V1}/projects/default/models"


def other_files(folder: Path) -> Path:
    """A folder with other bytes than any version has."""
    (folder / "other").mkdir()
    (folder / "other" / "config.json").write_text('{"layers": 666}')
    return folder / "other"


def test_50_pushed_again_with_other_bytes(target: Target, tmp_path: Path) -> None:
    """Line 50: a sealed version's label is taken for good."""
    out = other_files(tmp_path)
    before = target.http.get(FIRST).content
    with pytest.raises(VersionSealed):
        target.registry.push(out, "churn", "1.0")
    sealed = target.registry.keep_manifest(hash_tree(out).encoded)
    answer = target.http.post(f"{CHURN}/seals", json={"version": "1.0", "manifest": sealed.digest})
    assert (answer.status_code, answer.json()["code"]) == (409, "version_sealed")
    assert before == target.http.get(FIRST).content


@pytest.mark.parametrize(
    "field",
    ["digest", "manifest", "files", "stage", "seq", "uid", "created_by", "created_at", "deleted_at",
     "approved_by", "owner", "project", "model", "label", "is_admin", "role"],
)  # fmt: skip
def test_51_fields_that_nobody_may_write(target: Target, field: str) -> None:
    """Lines 26 and 51: what the registry itself decides is no field of any request."""
    with target.unharmed():
        value = f"sha256:{'0' * 64}"
        for method, path, more in (
            ("PATCH", FIRST, {}), ("POST", f"{FIRST}/transitions", {"to": "Staging"}),
            ("POST", f"{CHURN}/seals", {"manifest": value}),
        ):  # fmt: skip
            if field == "manifest" and "seals" in path:
                continue
            if field == "stage" and "seals" in path:
                more = {**more, "manifest": "x"}
            answer = target.http.request(method, path, json={**more, field: value})
            assert answer.status_code == 400


def test_52_what_is_named_stays(target: Target) -> None:
    """Line 52: a version that an alias names, or that stands in production, is not deleted."""
    name = f"{MODELS}/named"
    target.http.post(f"{name}/versions", json={"version": "1"})
    target.http.put(f"{name}/aliases/champion", json={"version": "1"})
    answer = target.http.delete(f"{name}/versions/1")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    for to in ("Staging", "Production"):
        target.http.post(f"{name}/versions/1/transitions", json={"to": to})
    target.http.delete(f"{name}/aliases/champion")
    for path in (f"{name}/versions/1", name):
        answer = target.http.delete(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert target.http.get(f"{name}/versions/1").status_code == 200


def test_53_deleted_versions_go_nowhere(target: Target) -> None:
    """Line 53: a version that was deleted, or is archived, is not promoted."""
    name = f"{MODELS}/withdrawn"
    for label in ("1", "2"):
        target.http.post(f"{name}/versions", json={"version": label})
    assert target.http.delete(f"{name}/versions/1").status_code == 204
    gone = target.http.post(f"{name}/versions/1/transitions", json={"to": "Staging"})
    assert gone.status_code == 404
    target.http.post(f"{name}/versions/2/transitions", json={"to": "Archived"})
    for to in ("Staging", "Production"):
        answer = target.http.post(f"{name}/versions/2/transitions", json={"to": to})
        assert (answer.status_code, answer.json()["code"]) == (409, "transition_not_allowed")


def test_53_what_waits_for_a_withdrawn_version(target: Target) -> None:
    """Line 53: a request that was open when its version was deleted takes it nowhere."""
    name = f"{MODELS}/waiting"
    target.http.post(f"{name}/versions", json={"version": "1"})
    policy = {"policy": {"requirements": [{"kind": "check", "name": "lint"}]}}
    assert target.http.put(f"{name}/policies/Staging", json=policy).status_code == 200
    asked = target.http.post(
        f"{name}/versions/1/requests", json={"to": "Staging", "auto_promote": True}
    )
    uid = asked.json()["request"]["uid"]
    assert target.http.delete(f"{name}/versions/1").status_code == 204
    report = {"check": "lint", "status": "passed"}
    answers = [
        target.http.post(f"{name}/versions/1/checks", json=report),
        target.http.post(f"{V1}/requests/{uid}/approve", json={}),
        target.http.post(f"{name}/versions/1/requests", json={"to": "Staging"}),
        target.http.put(f"{name}/aliases/champion", json={"version": "1"}),
        target.http.get(f"{V1}/resolve", params={"ref": "waiting:1"}),
    ]
    told = [(each.status_code, each.json()["code"]) for each in answers]
    gone = (404, "version_not_found")
    assert told == [gone] * 5
    assert target.http.post(f"{V1}/requests/settle").status_code == 200
    restored = target.http.post(f"{name}/versions/1/restore").json()
    assert (restored["stage"], restored["deleted_at"]) == ("None", None)


def test_53_quarantine(target: Target, tmp_path: Path) -> None:
    """Line 53: behind a gate that wants proof, files that are not proved harmless wait for good.

    A failed check keeps a version out as well; a waiver lets files in, by name and on record.
    """
    out = tmp_path / "out"
    out.mkdir()
    (out / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    target.registry.push(out, "suspect", "1")
    name = f"{MODELS}/suspect"
    wanted = [{"kind": "scan"}, {"kind": "check", "name": "review"}]
    policy = {"policy": {"requirements": wanted}}
    assert target.http.put(f"{name}/policies/Staging", json=policy).status_code == 200

    def move() -> tuple[int, list[str]]:
        answer = target.http.post(f"{name}/versions/1/transitions", json={"to": "Staging"})
        rows = answer.json().get("report", {}).get("rows", [])
        return answer.status_code, [each["verdict"] for each in rows]

    assert move() == (409, ["failed", "missing"])
    checks = f"{name}/versions/1/checks"
    target.http.post(checks, json={"check": "review", "status": "failed"})
    assert move() == (409, ["failed", "failed"])
    target.http.post(checks, json={"check": "review", "status": "passed"})
    assert move() == (409, ["failed", "passed"])
    waived = target.http.post(f"{name}/versions/1/waivers", json={"reason": "looked at"})
    assert (waived.status_code, move()[0]) == (201, 200)


TAMPERING = [
    "UPDATE audit_events SET actor = 'eve' WHERE seq = 2",
    "DELETE FROM audit_events WHERE seq = 2",
    "DELETE FROM audit_events WHERE seq = (SELECT max(seq) FROM audit_events)",
]


@pytest.mark.parametrize("sql", TAMPERING)
def test_54_and_55_tampering_with_the_log(tmp_path: Path, sql: str) -> None:
    """Lines 54 and 55: the database refuses it; whoever gets past that is found by `verify`."""
    with a_target(tmp_path) as target:
        assert target.http.post(f"{V1}/audit/verify", json={}).json()["ok"] is True
        database = f"sqlite:///{tmp_path}/lockgate.db"
        with pytest.raises(IntegrityError, match="append-only"):
            run(database, sql)
        triggers = run(database, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
        run(database, *[f"DROP TRIGGER {name}" for (name,) in triggers], sql)
        answer = target.http.post(f"{V1}/audit/verify", json={})
        assert (answer.status_code, answer.json()["ok"]) == (200, False)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_54_the_log_has_no_way_in(target: Target, method: str) -> None:
    """Line 54: no route changes an event."""
    with target.unharmed():
        for path in ("/audit", "/audit/1", "/audit/export/1"):
            answer = target.http.request(method, V1 + path, json={"actor": "eve"})
            assert answer.status_code == (405 if path == "/audit" else 404)


def signature(digest: str) -> dict[str, Any]:
    """A good signature of a digest, by a key of nobody's."""
    made = sign_manifest(digest, new_key())
    return {"digest": made.digest, "public_key": made.key, "signature": made.signature}


def test_56_signatures(target: Target) -> None:
    """Line 56: a signature of other files, by another key, or changed, is refused and not kept."""
    digest = target.http.get(FIRST).json()["digest"]
    good = signature(digest)
    other = signature(f"sha256:{'0' * 64}")
    with target.unharmed():
        for bad in (
            other, {**good, "signature": other["signature"]}, {**good, "digest": other["digest"]},
            {**good, "public_key": other["public_key"]}, {**good, "signature": "0" * 128},
            {**good, "public_key": "0" * 64}, {**good, "public_key": "f" * 64},
        ):  # fmt: skip
            answer = target.http.post(f"{FIRST}/signatures", json=bad)
            assert (answer.status_code, answer.json()["code"]) == (422, "corrupt")
        assert target.http.get(f"{FIRST}/signatures").json() == []


def test_56_a_signature_of_a_stranger(target: Target) -> None:
    """Line 56: a signature by a key that nobody trusts opens no gate."""
    name = f"{MODELS}/churn"
    policy = {"policy": {"requirements": [{"kind": "signature"}]}}
    assert target.http.put(f"{name}/policies/Staging", json=policy).status_code == 200
    digest = target.http.get(FIRST).json()["digest"]
    assert target.http.post(f"{FIRST}/signatures", json=signature(digest)).status_code == 201
    answer = target.http.post(f"{FIRST}/transitions", json={"to": "Staging"})
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_violated")
    assert json.loads(target.http.get(FIRST).content)["stage"] == "None"


def test_33_content_that_was_swapped(target: Target, tmp_path: Path) -> None:
    """Line 33: an approval is of these files; a version that gets others is not approved."""
    name = f"{MODELS}/swapped"
    target.http.post(f"{name}/versions", json={"version": "1"})
    policy = {"policy": {"requirements": [{"kind": "approvals", "count": 1}]}}
    assert target.http.put(f"{name}/policies/Staging", json=policy).status_code == 200
    asked = target.http.post(f"{name}/versions/1/requests", json={"to": "Staging"})
    assert asked.status_code == 201, asked.text
    uid = asked.json()["request"]["uid"]
    own = target.http.post(f"{V1}/requests/{uid}/approve", json={})
    members = f"{V1}/projects/default/members/bob"
    target.http.put(members, json={"roles": ["approver"]})
    bob = {"X-Lockgate-Actor": "bob"}
    approved = target.http.post(f"{V1}/requests/{uid}/approve", json={}, headers=bob)
    assert (own.status_code, own.json()["code"], approved.status_code) == (409, "conflict", 200)
    target.registry.push(other_files(tmp_path), "swapped", "1")
    answer = target.http.post(f"{name}/versions/1/transitions", json={"to": "Staging"})
    assert (answer.status_code, answer.json()["code"]) == (409, "policy_violated")
