"""``lockgate push --from-uri``, as a program with settings of its own."""

from __future__ import annotations

import json
from pathlib import Path

from cli_runner import run_program


def test_a_folder_below_an_allowed_root(tmp_path: Path) -> None:
    """The files become a version whose source is on record."""
    share = tmp_path / "share"
    (share / "churn").mkdir(parents=True)
    (share / "churn" / "config.json").write_text('{"layers": 3}')
    pushed = run_program(
        "--json", "push", "--from-uri", f"file://{share}/churn", "churn:1.0.0", "--metric",
        "auc=0.9", cwd=tmp_path, HOME=str(tmp_path), LOCKGATE_IMPORT_ROOTS=f"/nowhere:{share}",
    )  # fmt: skip
    assert (pushed.code, pushed.err) == (0, "")
    made = pushed.json
    assert (made["label"], made["metrics"]) == ("1.0.0", {"auc": 0.9})
    assert made["artifact_uri"] == f"file://{share}/churn"


def test_what_is_not_allowed(tmp_path: Path) -> None:
    """By default no folder and no inner address; the sentence says which setting decides."""
    for uri, setting in (
        ("file:///etc/passwd", "import_roots"),
        ("http://127.0.0.1:9/model.bin", "LOCKGATE_IMPORT_HOSTS"),
        ("http://169.254.169.254/latest/meta-data/iam", "LOCKGATE_IMPORT_HOSTS"),
    ):
        refused = run_program(
            "--json", "push", "--from-uri", uri, "churn", cwd=tmp_path, HOME=str(tmp_path)
        )
        assert refused.code == 2
        assert setting in json.dumps([refused.out, refused.err])
    wrong = run_program(
        "push", "churn", cwd=tmp_path, HOME=str(tmp_path), LOCKGATE_IMPORT_HOSTS="10.0.0.1/8"
    )
    assert wrong.code == 2


def test_a_path_or_a_uri(tmp_path: Path) -> None:
    """One of them, and the name: less or more is explained."""
    for arguments in (["churn"], ["a", "churn", "--from-uri", "hf://a/b"]):
        ended = run_program("push", *arguments, cwd=tmp_path, HOME=str(tmp_path))
        assert ended.code == 2
        assert "--from-uri URI NAME[:VERSION]" in ended.err
