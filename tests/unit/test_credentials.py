"""Credentials on disk: for one server, readable by their owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lockgate.credentials import credentials_path, forget_token, keep_token, kept_token, server_of
from lockgate.errors import InvalidSetting


def test_a_token_is_kept_for_one_server(tmp_path: Path) -> None:
    """A token is found for its scheme, host and port, and for no other."""
    file = str(tmp_path / "deep" / "credentials.json")
    keep_token(file, "https://Models.example/", "one")
    keep_token(file, "http://models.example", "two")
    assert kept_token(file, "https://models.example:443/prefix") == "one"
    assert kept_token(file, "http://user:pw@models.example:80") == "two"
    for other in ("https://models.example:8443", "https://models.example.evil", "https://evil"):
        assert kept_token(file, other) is None
    assert forget_token(file, "https://models.example") == "one"
    assert forget_token(file, "https://models.example") is None
    assert kept_token(file, "http://models.example") == "two"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """The file has mode 0600 and its folder 0700; one that others can read is refused."""
    path = keep_token(str(tmp_path / "own" / "credentials.json"), "https://a", "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["credentials.json"]
    path.chmod(0o644)
    with pytest.raises(InvalidSetting, match="chmod 600") as refused:
        kept_token(str(path), "https://a")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "{"])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    """What is no such file is not taken for one."""
    path = tmp_path / "credentials.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(InvalidSetting, match="damaged"):
        kept_token(str(path), "https://a")


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the user's configuration folder, unless a setting says otherwise."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert credentials_path() == tmp_path / "lockgate" / "credentials.json"
    assert credentials_path("/x/y") == Path("/x/y")


def test_servers_are_spelt_one_way() -> None:
    """Host and scheme in lower case, the port always there."""
    assert server_of("HTTPS://A.example/x") == "https://a.example:443"
    assert server_of("http://[::1]:8000") == "http://[::1]:8000"
