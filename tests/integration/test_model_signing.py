"""OpenSSF's model-signing reads what we sign, and we read what it signs: the real program."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cli_runner import Terminal
from lockgate.artifacts.bundles import BundleSignature
from lockgate.artifacts.signatures import sign_manifest
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import Corrupt, InvalidInput, InvalidSetting, PolicyViolated
from lockgate.keys import new_key, trusted_keys_of
from lockgate.registry import Registry
from registries import embedded

PROGRAM = Path(sys.executable).with_name("model_signing")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with files in folders, and an empty one."""
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(b"weights" * 1000)
    (folder / "sub" / "config.json").write_text('{"layers": 3}')
    (folder / "sub.txt").write_text("sorted before the folder")
    (folder / "empty").write_bytes(b"")
    return folder


def key_pair(tmp_path: Path, name: str, curve: Any = None) -> tuple[Path, Path]:
    """The files of a private key and its public half."""
    private = ec.generate_private_key(curve or ec.SECP256R1())
    secret, public = tmp_path / f"{name}.key", tmp_path / f"{name}.pem"
    secret.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return secret, public


@pytest.fixture
def registry(tmp_path: Path, out: Path) -> Any:
    """A registry that trusts the key ``ci`` and has one version of the folder."""
    key_pair(tmp_path, "ci")
    with embedded(trusted_keys=str(tmp_path / "ci.pem"), cache=str(tmp_path / "cache")) as made:
        made.push(out, "churn", "1")
        yield made


def model_signing(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    command = [str(PROGRAM), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_we_sign_it_verifies(registry: Registry, tmp_path: Path) -> None:
    """The pulled folder and the signature, kept with the version, satisfy its verifier."""
    kept = registry.sign("churn:1", tmp_path / "ci.key", format="model-signing")
    assert registry.sign("churn:1", tmp_path / "ci.key", format="model-signing") == kept
    registry.pull("churn:1", tmp_path / "back", verify_keys=[str(tmp_path / "ci.pem")])
    (tmp_path / "model.sig").write_text(registry.signatures("churn:1")[0].signature)
    check = ("verify", "key", tmp_path / "back", "--signature", tmp_path / "model.sig")
    done = model_signing(*check, "--public_key", tmp_path / "ci.pem")
    assert done.returncode == 0, done.stderr
    (tmp_path / "back" / "empty").chmod(0o644)
    (tmp_path / "back" / "empty").write_bytes(b"!")
    assert model_signing(*check, "--public_key", tmp_path / "ci.pem").returncode != 0


def test_what_it_signs_we_verify(registry: Registry, out: Path, tmp_path: Path) -> None:
    """A signature made elsewhere opens the gate and the pull, once it is kept with the version."""
    secret, public = key_pair(tmp_path, "lab", ec.SECP384R1())
    signed = tmp_path / "model.sig"
    done = model_signing("sign", "key", out, "--private_key", secret, "--signature", signed)
    assert done.returncode == 0, done.stderr
    (key,) = trusted_keys_of(str(public))
    digest = registry.get_version("churn", "1").digest or ""
    kept = registry.add_signature("churn:1", BundleSignature(digest, key, signed.read_text()))
    assert registry.signatures("churn:1") == (kept,)
    registry.pull("churn:1", tmp_path / "back", verify_keys=[str(public)])
    with pytest.raises(Corrupt, match="not signed by ci"):
        registry.pull("churn:1", tmp_path / "no", verify_keys=[str(tmp_path / "ci.pem")])


def test_the_gate_asks_for_a_trusted_one(registry: Registry, tmp_path: Path) -> None:
    """The requirement ``signature`` holds by such a signature as by ours, of a trusted key."""
    policy = PromotionPolicy.from_document({"requirements": [{"kind": "signature"}]})
    registry.attach_policy("Staging", policy, model="churn")
    stranger, _ = key_pair(tmp_path, "stranger")
    registry.sign("churn:1", stranger, format="model-signing")
    with pytest.raises(PolicyViolated, match="the key is not trusted here"):
        registry.promote("churn", "1")
    registry.sign("churn:1", tmp_path / "ci.key", format="model-signing")
    report = registry.explain("churn", "1", "Staging")
    assert [row.sentence for row in report.rows] == ["Signature by ci verifies"]
    assert registry.promote("churn", "1").stage == "Staging"


def changed(bundle: str, part: str) -> str:
    """A bundle with one thing in it changed."""
    document = json.loads(bundle)
    envelope = document["dsseEnvelope"]
    if part == "statement":
        statement = json.loads(base64.b64decode(envelope["payload"]))
        statement["subject"][0]["name"] = "other"
        envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    elif part == "signatures":
        envelope["signatures"] *= 2
    elif part == "hint":
        document["verificationMaterial"]["publicKey"]["hint"] = "0" * 64
    else:
        del document[part]
    return json.dumps(document)


@pytest.mark.parametrize(
    "part", ["statement", "signatures", "hint", "dsseEnvelope", "verificationMaterial"]
)
def test_a_changed_bundle_is_refused(registry: Registry, tmp_path: Path, part: str) -> None:
    """Whatever of it was changed, it is not kept."""
    kept = registry.sign("churn:1", tmp_path / "ci.key", format="model-signing")
    registry.register_model("churn", "2")
    broken = BundleSignature(kept.digest, kept.public_key, changed(kept.signature, part))
    with pytest.raises(Corrupt):
        registry.add_signature("churn:1", broken)


def test_a_signature_of_other_files_is_refused(
    registry: Registry, out: Path, tmp_path: Path
) -> None:
    """Of more files, of fewer, or of changed ones: the error names what differs."""
    signed = registry.sign("churn:1", tmp_path / "ci.key", format="model-signing")
    (out / "more.txt").write_text("more")
    digest = registry.push(out, "churn", "2").digest or ""
    with pytest.raises(Corrupt, match=r"more\.txt"):
        registry.add_signature(
            "churn:2", BundleSignature(digest, signed.public_key, signed.signature)
        )
    with pytest.raises(Corrupt, match="other files"):
        registry.add_signature(
            "churn:2", BundleSignature(signed.digest, signed.public_key, signed.signature)
        )


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 5000, '{"dsseEnvelope": 1}'])
def test_what_is_no_bundle_is_refused(registry: Registry, tmp_path: Path, text: str) -> None:
    """It is called what it is."""
    (key,) = trusted_keys_of(str(tmp_path / "ci.pem"))
    digest = registry.get_version("churn", "1").digest or ""
    with pytest.raises(Corrupt, match="no model-signing bundle"):
        registry.add_signature("churn:1", BundleSignature(digest, key, text))


def test_keys_that_do_not_fit(registry: Registry, tmp_path: Path) -> None:
    """A key in another form is refused with the form that is wanted."""
    with pytest.raises(InvalidSetting, match="P-256"):
        registry.sign("churn:1", tmp_path / "ci.pem", format="model-signing")
    with pytest.raises(InvalidInput, match="model-signing"):
        registry.sign("churn:1", new_key(), format="model-signing")
    with pytest.raises(InvalidInput, match="'pgp'"):
        registry.sign("churn:1", tmp_path / "ci.key", format="pgp")
    digest = registry.get_version("churn", "1").digest or ""
    ours = sign_manifest(digest, new_key())
    with pytest.raises(InvalidInput):
        BundleSignature(digest, ours.key, "{}")
    with pytest.raises(Corrupt):
        registry.add_signature("churn:1", BundleSignature(digest, "ec:AAAA", "{}"))


def test_on_the_command_line(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """sign writes the signature out, and keeps one that was made elsewhere."""
    lockgate = Terminal(tmp_path, capsys, monkeypatch)
    secret, public = key_pair(tmp_path, "ci")
    assert lockgate("push", str(out), "churn:1").code == 0
    signature = str(tmp_path / "model.sig")
    form = ["--format", "model-signing"]
    told = lockgate.done("sign", "churn:1", "--key", str(secret), *form, "--out", signature)
    assert "default/churn:1 is signed by" in told
    (tmp_path / "elsewhere").mkdir()
    lockgate = Terminal(tmp_path / "elsewhere", capsys, monkeypatch)
    assert lockgate("push", str(out), "other:1").code == 0
    refused = lockgate("pull", "other:1", str(tmp_path / "a"), "--verify-key", str(public))
    assert "not signed by ci" in refused.err
    lockgate.done("sign", "other:1", "--key", str(public), "--bundle", signature)
    pulled = lockgate("pull", "other:1", str(tmp_path / "a"), "--verify-key", str(public))
    assert pulled.code == 0
    assert (tmp_path / "a" / "sub.txt").exists()
