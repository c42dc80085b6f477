"""Bundles are the same in this process and over HTTP: out of one registry, into another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.artifacts.portable import open_bundle
from lockgate.domain.checkpoints import parse_verifier_key
from lockgate.errors import (
    ArtifactNotFound,
    Corrupt,
    InvalidInput,
    LimitExceeded,
    RegistryError,
)
from lockgate.keys import new_key
from lockgate.registry import Registry
from registries import AnyRegistry, embedded

REFUSALS = (Corrupt, InvalidInput, LimitExceeded)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A model of two files, one of them twice and one empty."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 9)
    (folder / "sub" / "same.bin").write_bytes(bytes(range(256)) * 9)
    (folder / "README.md").write_text("# Churn")
    (folder / "empty.txt").write_bytes(b"")
    return folder


@pytest.fixture
def churn(registry: AnyRegistry, files: Path) -> AnyRegistry:
    """churn:2 with evidence, a parent, a signature and a past."""
    registry.push(files / "README.md", "base", "1")
    registry.push(
        files,
        "churn",
        "2",
        metrics={"auc": 0.91},
        params={"depth": 7},
        tags={"team": "risk"},
        metadata={"notes": {"a": [1, 2]}},
        run_id="r1",
        dataset="s3://data",
        parents=["base:1", "base:7"],
        description="The second",
    )
    registry.report_check("churn", "2", "lint", "passed")
    registry.sign("churn:2", new_key())
    registry.promote("churn", "2")
    return registry


@pytest.fixture
def elsewhere() -> Iterator[Registry]:
    """Another registry."""
    registry = embedded()
    registry.create_project("risk")
    yield registry
    registry.close()


def key_of(registry: AnyRegistry) -> str:
    """The verifier key of the log of the project."""
    return registry.checkpoint().verifier_key


def test_out_and_in(churn: AnyRegistry, elsewhere: Registry, tmp_path: Path) -> None:
    """Everything arrives, and where it comes from is on record."""
    file = tmp_path / "churn.bundle"
    assert churn.export_bundle("churn:2", file).label == "2"
    made = elsewhere.import_bundle(file, [key_of(churn)], into="risk")
    there = churn.resolve("churn:2")
    for field in ("model", "label", "digest", "metrics", "params", "tags", "description"):
        assert getattr(made, field) == getattr(there, field)
    assert (made.project, made.stage, made.run_id) == ("risk", "None", "r1")
    origin = made.metadata["origin"]
    assert origin["reference"] == "default/churn:2"
    assert origin["stage"] == "Staging"
    assert [each["reference"] for each in origin["parents"]] == [
        "default/base:1",
        "default/base:7",
    ]
    assert made.metadata["notes"] == {"a": [1, 2]}
    assert made.sources.parents == ()
    (event,) = elsewhere.audit(action="register_version", model="risk/churn")
    assert event.detail["origin"]["digest"] == there.digest
    assert len(elsewhere.signatures("risk/churn:2")) == 1
    pulled = tmp_path / "pulled"
    elsewhere.pull("risk/churn:2", pulled)
    assert (pulled / "sub" / "same.bin").read_bytes() == bytes(range(256)) * 9
    assert elsewhere.import_bundle(file, [key_of(churn)], into="risk").uid == made.uid
    assert elsewhere.verify_audit(project="risk").ok


def test_into_any_registry(churn: AnyRegistry, elsewhere: Registry, tmp_path: Path) -> None:
    """From a registry in this process into one of either kind; a parent that is there is kept."""
    first, second = tmp_path / "one", tmp_path / "two"
    churn.export_bundle("churn:2", first)
    churn.export_bundle("base:1", tmp_path / "base")
    elsewhere.import_bundle(tmp_path / "base", [key_of(churn)])
    made = elsewhere.import_bundle(first, [key_of(churn)])
    assert made.sources.parents == ("default/base:1",)
    elsewhere.export_bundle("churn:2", second)
    churn.create_project("back")
    back = churn.import_bundle(second, [key_of(elsewhere)], into="back")
    assert back.metadata["origin"]["earlier"]["reference"] == "default/churn:2"
    assert back.digest == made.digest


def test_again_is_the_same_bytes(churn: AnyRegistry, tmp_path: Path) -> None:
    """Whatever happens to others, and however many checkpoints are made meanwhile."""
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    churn.export_bundle("churn:2", one)
    churn.register_model("other", "1")
    churn.checkpoint()
    churn.export_bundle("churn:2", two)
    assert one.read_bytes() == two.read_bytes()
    churn.set_alias("churn", "champion", "2")
    churn.export_bundle("churn:2", three)
    assert one.read_bytes() != three.read_bytes()


def test_what_was_changed_is_refused(
    churn: AnyRegistry, elsewhere: Registry, tmp_path: Path
) -> None:
    """At any byte of it; nothing of it is kept."""
    file, bad = tmp_path / "good", tmp_path / "bad"
    churn.export_bundle("churn:2", file)
    data = file.read_bytes()
    trusted = {parse_verifier_key(key_of(churn)).public_key.hex()}
    assert open_bundle(file, trusted).size == len(data)
    for position in range(0, len(data), 13):
        changed = bytearray(data)
        changed[position] ^= 1 << (position % 8)
        bad.write_bytes(changed)
        with pytest.raises(RegistryError) as caught:
            open_bundle(bad, trusted)
        assert isinstance(caught.value, REFUSALS), (position, caught.value)
    for cut in (0, 1, 511, 512, 5_000, len(data) - 1024, len(data) - 1):
        bad.write_bytes(data[:cut])
        with pytest.raises(REFUSALS):
            elsewhere.import_bundle(bad, [key_of(churn)])
    bad.write_bytes(data + b"\0")
    with pytest.raises(Corrupt):
        elsewhere.import_bundle(bad, [key_of(churn)])
    assert elsewhere.list_models().items == ()
    assert list(elsewhere.depot.blobs.list_blobs()) == []
    assert list(elsewhere.depot.blobs.list_manifests()) == []


def test_of_nobody_trusted_is_refused(
    churn: AnyRegistry, elsewhere: Registry, tmp_path: Path
) -> None:
    """The error names the key that signed it; over the API too, whatever is sent there."""
    file = tmp_path / "bundle"
    churn.export_bundle("churn:2", file)
    stranger = str(new_key().verifier("stranger"))
    with pytest.raises(Corrupt, match="is not trusted"):
        elsewhere.import_bundle(file, [stranger])
    head = churn.bundle_head("churn:2")
    with pytest.raises(Corrupt, match="is not trusted"):
        churn.seal_bundle(head, [stranger])
    with pytest.raises(InvalidInput):
        churn.seal_bundle(head, ["/etc/passwd"])
    assert elsewhere.list_models().items == ()


def test_only_what_has_files_is_exported(registry: AnyRegistry, tmp_path: Path) -> None:
    """A version without any is refused, and no file is left behind."""
    registry.register_model("churn", "1")
    with pytest.raises(ArtifactNotFound):
        registry.export_bundle("churn:1", tmp_path / "bundle")
    assert [each for each in tmp_path.iterdir() if "bundle" in each.name] == []


def test_another_version_is_in_the_way(
    churn: AnyRegistry, elsewhere: Registry, files: Path, tmp_path: Path
) -> None:
    """A version of that label with other files stays as it is."""
    file = tmp_path / "bundle"
    churn.export_bundle("churn:2", file)
    elsewhere.push(files / "README.md", "churn", "2")
    with pytest.raises(RegistryError) as caught:
        elsewhere.import_bundle(file, [key_of(churn)])
    assert type(caught.value).__name__ == "VersionSealed"
    assert "origin" not in elsewhere.resolve("churn:2").metadata
