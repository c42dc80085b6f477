"""What gates see of files: signatures by trusted keys, verdicts by the rules in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockgate.errors import InvalidInput, InvalidSetting, PolicyViolated
from lockgate.keys import new_key, trusted_keys_of
from lockgate.services.file_evidence import UNPROVED
from lockgate.storage import artifact_tables
from lockgate.storage.statements import Statement
from registries import embedded

SIGNED = {"requirements": [{"kind": "signature", "identities": ["ci"]}]}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "README.md").write_text("# A card\n")
    return folder


def test_only_trusted_keys_open_a_gate(out: Path, tmp_path: Path) -> None:
    """A gate that wants a signature opens for a trusted key, named in a file, and no other."""
    trusted, stranger = new_key(), new_key()
    keys = tmp_path / "keys"
    keys.write_text(f"# who may sign\n{trusted.verifier('ci')}\n")
    with embedded(trusted_keys=str(keys), cache=str(tmp_path / "cache")) as registry:
        registry.attach_policy("Staging", SIGNED)
        registry.push(out, "churn", "1")
        with pytest.raises(PolicyViolated, match="is not signed"):
            registry.promote("churn", "1")
        registry.sign("churn:1", stranger)
        with pytest.raises(PolicyViolated, match="the key is not trusted here"):
            registry.promote("churn", "1")
        registry.sign("churn:1", trusted)
        assert registry.promote("churn", "1").stage == "Staging"


def test_a_signature_carries_out_what_waited_for_it(out: Path, tmp_path: Path) -> None:
    """A request that waited for a signature is carried out when it comes."""
    key = new_key()
    with embedded(trusted_keys=str(key.verifier("ci")), cache=str(tmp_path / "cache")) as registry:
        registry.attach_policy("Staging", SIGNED)
        registry.push(out, "churn", "1")
        registry.request_promotion("churn", "1", "Staging", auto_promote=True)
        registry.sign("churn:1", key)
        assert registry.get_version("churn", "1").stage == "Staging"


def test_verdicts_of_other_rules_count_for_nothing(out: Path, tmp_path: Path) -> None:
    """Proofs by older rules leave a file unknown, and its gate closed, until it is verified."""
    with embedded(cache=str(tmp_path / "cache")) as registry:
        registry.attach_policy("Staging", {"requirements": [{"kind": "scan"}]})
        registry.push(out, "churn", "1")
        older = artifact_tables.file_proofs.update().values(rules=0)
        registry._store.database.write(lambda session: session.run(Statement(older)))
        (file,) = registry.files("churn:1").files
        assert (file.verdict, file.reason) == ("unknown", UNPROVED)
        with pytest.raises(PolicyViolated, match="unknown"):
            registry.promote("churn", "1")
        assert registry.verify_artifacts("churn:1").ok
        assert registry.promote("churn", "1").stage == "Staging"


def test_keys_that_cannot_be_trusted(tmp_path: Path) -> None:
    """A file that is not there, or holds no key, is a fault of the setting."""
    assert trusted_keys_of("") == {}
    with pytest.raises(InvalidSetting):
        trusted_keys_of(str(tmp_path / "absent"))
    (tmp_path / "keys").write_text("no key\n")
    with pytest.raises(InvalidInput):
        trusted_keys_of(str(tmp_path / "keys"))
