"""Files of versions: pushed, sealed, proved, pulled, used and compared, by every registry alike."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from safetensors.numpy import save_file

from lockgate.artifacts.pulling import PullProgress
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.sending import PushProgress
from lockgate.artifacts.store import blob_digest
from lockgate.domain.differences import Difference
from lockgate.domain.manifests import build_manifest
from lockgate.errors import (
    AlreadyExists,
    ArtifactNotFound,
    BlobNotFound,
    Conflict,
    Corrupt,
    InvalidManifest,
    InvalidReference,
    ModelNotFound,
    PolicyViolated,
    VersionNotFound,
    VersionSealed,
)
from lockgate.keys import new_key
from registries import AnyRegistry


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's cache is this test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder such as training leaves: weights, a card, settings, an empty file."""
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    weights = np.arange(200_000, dtype="float32").reshape(400, 500)
    save_file({"a": weights, "b": weights[:10]}, folder / "model.safetensors")
    (folder / "README.md").write_text("# Churn\n\nPredicts who leaves.\n")
    (folder / "sub" / "config.json").write_text('{"layers": 3}')
    (folder / "empty.txt").write_bytes(b"")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_pushed_is_pulled(registry: AnyRegistry, out: Path, tmp_path: Path) -> None:
    """A folder that is pushed becomes a sealed version, and is pulled byte by byte the same."""
    made = registry.push(out, "churn", "1.0.0", metrics={"auc": 0.91}, tags=["nightly"])
    assert str(made) == "default/churn:1.0.0"
    assert (made.metrics, made.tags) == ({"auc": 0.91}, {"nightly": ""})
    assert made.digest == hash_tree(out).digest
    assert made == registry.get_version("churn", "1.0.0")
    assert registry.pull("churn:1.0.0", tmp_path / "back") == made
    assert contents(tmp_path / "back") == contents(out)


def test_a_single_file(registry: AnyRegistry, out: Path, tmp_path: Path) -> None:
    """A file is a version of one file; the server numbers a version that has no label."""
    assert registry.push(out / "README.md", "notes").label == "1"
    registry.pull("notes", tmp_path / "back")
    assert list(contents(tmp_path / "back")) == ["README.md"]


def test_what_each_file_is(registry: AnyRegistry, out: Path) -> None:
    """Files are listed with size, digest and what they were proved to be."""
    (out / "clf.pkl").write_bytes(pickle.dumps({"a": 1}))
    registry.push(out, "churn", "1")
    found = registry.files("churn:1")
    assert [(file.path, file.verdict, file.tensors) for file in found.files] == [
        ("README.md", "data-only", None),
        ("clf.pkl", "code", None),
        ("empty.txt", "data-only", None),
        ("model.safetensors", "data-only", 2),
        ("sub/config.json", "data-only", None),
    ]
    assert found.size == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    assert registry.manifest("churn:1").digest == found.digest


def test_pushing_again_moves_nothing(registry: AnyRegistry, out: Path) -> None:
    """The same content sends no byte again, under the same label or another."""
    first = registry.push(out, "churn", "1")
    told: list[PushProgress] = []
    assert registry.push(out, "churn", "1", progress=told.append) == first
    other = registry.push(out, "other", "7", progress=told.append)
    assert other.digest == first.digest
    assert {progress.bytes_sent for progress in told} == {0}


def test_what_is_said_anew_of_a_sealed_version_is_not_dropped(
    registry: AnyRegistry, out: Path
) -> None:
    """Pushing the same files again with another metric is refused, and says what changes it."""
    made = registry.push(out, "churn", "1", metrics={"auc": 0.9, "f1": 0.8})
    assert registry.push(out, "churn", "1", metrics={"auc": 0.9}) == made
    with pytest.raises(Conflict, match=r"metrics 'auc', tags 'new', description; `log_metrics`"):
        registry.push(
            out, "churn", "1", metrics={"auc": 0.91}, tags={"new": ""}, description="better"
        )
    assert registry.get_version("churn", "1") == made


def test_a_sealed_version_never_changes(registry: AnyRegistry, out: Path) -> None:
    """Other files under a label that is taken are refused, and nothing changes."""
    made = registry.push(out, "churn", "1")
    (out / "README.md").write_text("# Other\n")
    with pytest.raises(VersionSealed):
        registry.push(out, "churn", "1")
    assert registry.get_version("churn", "1") == made


def test_sealing_what_was_registered(registry: AnyRegistry, out: Path) -> None:
    """A version without files is given them later; what is said besides is added to it."""
    registry.register_model("churn", "1", metrics={"auc": 0.9}, params={"lr": 1})
    made = registry.push(out, "churn", "1", metrics={"f1": 0.8})
    assert (made.digest, made.seq) == (hash_tree(out).digest, 1)
    assert (made.metrics, made.params) == ({"auc": 0.9, "f1": 0.8}, {"lr": 1})
    events = [(event.action, event.detail.get("digest")) for event in registry.audit().items]
    assert ("seal_version", made.digest) in events
    assert registry.verify_audit().ok


def test_a_label_that_is_the_number_of_another(registry: AnyRegistry, out: Path) -> None:
    """A new version called 1 is none but that, though the version called 0 has the number 1."""
    registry.push(out / "README.md", "churn", "0")
    made = registry.push(out, "churn", "1")
    assert (made.label, made.seq) == ("1", 2)


def test_what_was_promoted_gets_no_other_files(registry: AnyRegistry, out: Path) -> None:
    """A version that left the initial stage without files does not get any."""
    registry.register_model("churn", "1", "s3://elsewhere/model")
    registry.promote("churn", "1")
    with pytest.raises(VersionSealed):
        registry.push(out, "churn", "1")
    assert registry.get_version("churn", "1").digest is None


def test_no_seal_without_bytes(registry: AnyRegistry, out: Path) -> None:
    """A manifest whose chunks are not all there seals nothing, and the error lists them."""
    manifest = hash_tree(out)
    with pytest.raises(BlobNotFound) as caught:
        registry.seal("churn", manifest, "1")
    assert set(caught.value.fields["missing"]) == set(manifest.chunk_sizes)
    assert registry.list_models().items == ()


def test_a_deleted_label_is_not_given_away(registry: AnyRegistry, out: Path) -> None:
    """A push to the label of a deleted version is refused; the version can still be restored."""
    made = registry.push(out, "churn", "1")
    registry.delete_version("churn", "1")
    with pytest.raises(AlreadyExists):
        registry.push(out, "churn", "1")
    assert registry.restore_version("churn", "1").digest == made.digest


@pytest.mark.parametrize("kind", ["link", "case"])
def test_paths_that_no_version_holds(registry: AnyRegistry, out: Path, kind: str) -> None:
    """A link, or two names that differ in case only, are refused before anything is sent."""
    if kind == "link":
        (out / "link").symlink_to("/etc/passwd")
    else:
        (out / "readme.md").write_text("other")
    with pytest.raises(InvalidManifest):
        registry.push(out, "churn", "1")
    assert registry.list_models().items == ()


def test_use_asks_once(registry: AnyRegistry, out: Path) -> None:
    """A version that was used before costs no byte, whatever name it is asked by."""
    made = registry.push(out, "churn", "1")
    registry.set_alias("churn", "champion", "1")
    told: list[PullProgress] = []
    folder = registry.use("churn@champion", progress=told.append)
    assert contents(folder) == contents(out)
    assert told[-1].bytes_fetched == sum(map(len, contents(out).values()))
    again: list[PullProgress] = []
    assert registry.use(f"churn@{made.digest}", progress=again.append) == folder
    assert again == []


def test_nothing_to_pull(registry: AnyRegistry, tmp_path: Path) -> None:
    """A version that has no files, or is not there, says so."""
    registry.register_model("churn", "1", "s3://elsewhere/model")
    for ask in (registry.files, registry.manifest, registry.use):
        with pytest.raises(ArtifactNotFound) as caught:
            ask("churn:1")
        assert caught.value.fields["reference"] == "default/churn:1"
    with pytest.raises(VersionNotFound):
        registry.pull("churn:2", tmp_path / "back")
    with pytest.raises(InvalidReference):
        registry.pull("churn:", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_differences(registry: AnyRegistry, out: Path) -> None:
    """Two versions are compared tensor by tensor from digests alone."""
    registry.push(out, "churn", "1")
    weights = np.arange(200_000, dtype="float32").reshape(400, 500)
    save_file({"a": weights, "b": weights[:10] + 1, "c": weights[:1]}, out / "model.safetensors")
    (out / "empty.txt").unlink()
    registry.push(out, "churn", "2")
    found = registry.diff("churn:1", "churn:2")
    assert {each.name: each.kind for each in found.tensors} == {
        "a": Difference.SAME,
        "b": Difference.CHANGED,
        "c": Difference.ADDED,
    }
    changed = {each.path: each.kind for each in found.files if each.kind != Difference.SAME}
    assert changed == {
        "empty.txt": Difference.REMOVED,
        "model.safetensors": Difference.CHANGED,
    }


def test_the_card(registry: AnyRegistry, out: Path) -> None:
    """The card is the file of that name, else the description."""
    registry.push(out, "churn", "1", description="not this")
    registry.register_model("churn", "2", description="only words")
    assert registry.card("churn:1") == "# Churn\n\nPredicts who leaves.\n"
    assert registry.card("churn:2") == "only words"


def test_a_gate_reads_the_files(registry: AnyRegistry, out: Path) -> None:
    """Code in the files keeps a gate closed until a waiver is on record; the card is read too."""
    policy = {
        "requirements": [{"kind": "scan"}, {"kind": "card", "sections": ["Churn"]}],
    }
    registry.push(out, "clean", "1")
    (out / "clf.pkl").write_bytes(pickle.dumps({"a": 1}))
    registry.push(out, "pickled", "1")
    for name in ("clean", "pickled"):
        registry.attach_policy("Staging", policy, model=name)
    assert registry.promote("clean", "1").stage == "Staging"
    with pytest.raises(PolicyViolated, match=r"clf\.pkl \(code\)"):
        registry.promote("pickled", "1")
    registry.waive_scan("pickled", "1", "clf.pkl", reason="made by us")
    assert registry.promote("pickled", "1").stage == "Staging"
    waived = [file.path for file in registry.files("pickled:1").files if file.waived_by]
    assert waived == ["clf.pkl"]


def test_signatures(registry: AnyRegistry, out: Path, tmp_path: Path) -> None:
    """Files are pulled under a key only if that key signed them."""
    mine, other = new_key(), new_key()
    made = registry.push(out, "churn", "1")
    key = str(mine.verifier("ci"))
    with pytest.raises(Corrupt, match="not signed by ci"):
        registry.pull("churn:1", tmp_path / "back", verify_keys=[key])
    kept = registry.sign("churn:1", mine)
    assert (kept.digest, kept.public_key) == (made.digest, mine.public_key.hex())
    assert registry.sign("churn:1", mine) == kept
    with pytest.raises(Corrupt, match="not signed by other"):
        registry.use("churn:1", verify_keys=[str(other.verifier("other"))])
    registry.pull("churn:1", tmp_path / "back", verify_keys=[key])
    assert registry.signatures("churn:1") == (kept,)


def test_signatures_in_the_format_of_openssf(
    registry: AnyRegistry, out: Path, tmp_path: Path
) -> None:
    """A version signed by a key in PEM is pulled under its public half."""
    private = ec.generate_private_key(ec.SECP256R1())
    secret, public = tmp_path / "ci.key", tmp_path / "ci.pem"
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, plain))
    subject = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(private.public_key().public_bytes(serialization.Encoding.PEM, subject))
    registry.push(out, "churn", "1")
    with pytest.raises(Corrupt, match="not signed by ci"):
        registry.pull("churn:1", tmp_path / "back", verify_keys=[str(public)])
    kept = registry.sign("churn:1", secret, format="model-signing")
    assert registry.signatures("churn:1") == (kept,)
    assert "dsseEnvelope" in json.loads(kept.signature)
    registry.pull("churn:1", tmp_path / "back", verify_keys=[str(public)])
    assert contents(tmp_path / "back") == contents(out)


def test_everything_is_whole(registry: AnyRegistry, out: Path) -> None:
    """Reading everything back finds no fault, and shared bytes are read once."""
    registry.push(out, "churn", "1")
    registry.push(out, "churn", "2")
    found = registry.verify_artifacts()
    assert (found.versions, found.faults) == (2, ())
    assert found.bytes_read == sum(map(len, contents(out).values()))
    assert registry.gc(dry_run=True).count == 0


def test_a_push_that_is_repeated_makes_one_version(registry: AnyRegistry, out: Path) -> None:
    """Without a label, the same files and words from the same person are the same push."""
    first = registry.push(out, "churn", metrics={"auc": 0.9}, tags=["nightly"])
    assert registry.push(out, "churn", metrics={"auc": 0.9}, tags=["nightly"]) == first
    other = registry.push(out, "churn", metrics={"auc": 0.8}, tags=["nightly"])
    assert (first.label, other.label) == ("1", "2")
    assert registry.acting_as("bo").push(out, "churn", metrics={"auc": 0.8}).label == "3"
    (out / "README.md").write_text("Another.")
    assert registry.push(out, "churn", metrics={"auc": 0.9}, tags=["nightly"]).label == "4"
    registry.delete_version("churn", "4")
    assert registry.push(out, "churn", metrics={"auc": 0.9}, tags=["nightly"]).label == "5"


@pytest.mark.parametrize("claim", ["sha256", "tensor"])
def test_a_manifest_that_lies_is_not_sealed(registry: AnyRegistry, out: Path, claim: str) -> None:
    """What a manifest says of its files is computed again before there is a version."""
    registry.push(out, "honest", "1")
    manifest = registry.manifest("honest:1")
    file = next(each for each in manifest.files if each.tensors)
    assert file.tensors is not None
    if claim == "sha256":
        lie = replace(file, sha256="0" * 64)
    else:
        first, *rest = file.tensors
        lie = replace(file, tensors=(replace(first, digest="blake3:" + "0" * 64), *rest))
    with pytest.raises(Corrupt, match=file.path):
        registry.seal("churn", build_manifest([lie]), "1")
    with pytest.raises(ModelNotFound):
        registry.get_model("churn")
    assert registry.seal("churn", build_manifest([file]), "1").label == "1"
    assert registry.verify_artifacts().faults == ()


def test_chunks_come_without_a_folder(registry: AnyRegistry, out: Path) -> None:
    """chunks hands out a version's bytes by digest."""
    version = registry.push(out, "churn", "1")
    manifest = registry.manifest("churn:1")
    digests = list(manifest.chunk_sizes)
    found = [bytes(each) for each in registry.chunks(version)(digests)]
    assert [blob_digest(each) for each in found] == digests


class Payload:
    """What a hostile pickle holds."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("true",))


def test_advice_beside_the_proof(registry: AnyRegistry, tmp_path: Path) -> None:
    """A scanner's findings are told for what is not proved; they change no verdict."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "config.json").write_text("{}")
    (out / "evil.pkl").write_bytes(pickle.dumps(Payload()))
    (out / "plain.pkl").write_bytes(pickle.dumps({"a": 1}))
    (out / "torch.pt").write_bytes(b"no archive")
    registry.push(out, "churn", "1")
    advice = {each.path: each for each in registry.scan_advice("churn:1")}
    assert sorted(advice) == ["evil.pkl", "plain.pkl", "torch.pt"]
    assert advice["evil.pkl"].findings == ("dangerous: posix.system",)
    assert advice["plain.pkl"].findings == ()
    assert advice["torch.pt"].findings == ()
    verdicts = {file.path: file.verdict for file in registry.files("churn:1").files}
    assert verdicts["plain.pkl"] != "data-only"
