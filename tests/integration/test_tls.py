"""Files through TLS: a server whose certificate an authority of one's own has signed."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.artifacts.pushing import hash_tree
from lockgate.errors import InvalidSetting, ServerUnreachable
from lockgate.http.app import build_app
from lockgate.sdk.client import Client
from lockgate.settings import Settings
from registries import embedded, running


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lockgate test")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


@pytest.fixture
def url(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[str]:
    """A server that speaks TLS, on an empty registry."""
    database = f"sqlite:///{tmp_path}/r.db"
    app = build_app(embedded(database), Settings(database=database))
    with running(app, certificate=certificate) as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of many megabytes, and some small ones."""
    made = tmp_path / "out"
    made.mkdir()
    chance = np.random.default_rng(0)
    (made / "large.bin").write_bytes(chance.bytes(25 * 2**20 + 13))
    for number in range(20):
        (made / f"{number}.txt").write_text(f"{number}\n" * 500)
    return made


def test_files_come_and_go_through_tls(
    monkeypatch: pytest.MonkeyPatch,
    certificate: tuple[Path, Path],
    url: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    """With the authority in SSL_CERT_FILE, what is pushed is what is pulled."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Client(url, cache=tmp_path / "cache") as client:
        pushed = client.push(folder, "churn", "1")
        client.pull("churn:1", tmp_path / "pulled")
    assert hash_tree(tmp_path / "pulled").digest == hash_tree(folder).digest == pushed.digest


def test_a_certificate_that_nobody_vouches_for(url: str, folder: Path, tmp_path: Path) -> None:
    """Without the authority nothing is asked and nothing is sent."""
    with Client(url, cache=tmp_path / "cache") as client:
        with pytest.raises(ServerUnreachable, match=r"(?i)certificate"):
            client.list_models()
        with pytest.raises(ServerUnreachable, match=r"(?i)certificate"):
            client.push(folder, "churn", "1")


def test_a_file_of_certificates_that_is_none(
    monkeypatch: pytest.MonkeyPatch, url: str, folder: Path, tmp_path: Path
) -> None:
    """A file that is not there, or holds something else, is said by the name of the setting."""
    with Client(url, cache=tmp_path / "cache") as client:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        with pytest.raises(InvalidSetting, match="SSL_CERT_FILE"):
            client.list_models()
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "1.txt"))
        with pytest.raises(InvalidSetting, match="SSL_CERT_FILE"):
            client.push(folder, "churn", "1")
