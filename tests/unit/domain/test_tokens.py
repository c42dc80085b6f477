"""How a token is written: recognised by its prefix and checksum, compared in constant time."""

from __future__ import annotations

import hmac
import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain import tokens
from lockgate.domain.tokens import (
    ENTROPY_BYTES,
    SESSION_PREFIX,
    csrf_of,
    same_hash,
    token_hash,
    token_id,
    write_token,
)


@given(st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))
def test_a_token_is_recognised(entropy: bytes) -> None:
    """Every token has the form that scanners look for, and its id can be read."""
    text = write_token(entropy)
    assert re.fullmatch(r"lgt_[0-9a-z]{12}_[0-9A-Za-z]{49}", text)
    assert token_id(text) == text[4:16]
    assert token_id(text, SESSION_PREFIX) is None


@given(
    st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES),
    st.integers(4, 65),
    st.sampled_from("0aZ_-\n"),
)
def test_a_changed_token_is_none(entropy: bytes, place: int, letter: str) -> None:
    """One letter that was changed on the way is seen by the checksum."""
    text = write_token(entropy)
    changed = text[:place] + letter + text[place + 1 :]
    assert changed == text or token_id(changed) is None


@given(st.text(max_size=300))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    """Whatever else is presented is no token, and raises nothing."""
    assert token_id(text) is None


def test_entropy_is_used_whole() -> None:
    """Every byte that is put in changes the token; fewer are refused."""
    plain = bytes(ENTROPY_BYTES)
    seen = {write_token(plain)}
    for place in range(ENTROPY_BYTES):
        changed = bytearray(plain)
        changed[place] = 1
        seen.add(write_token(bytes(changed)))
    # The first bits of the id's nine bytes go beyond its twelve letters.
    assert len(seen) >= ENTROPY_BYTES
    with pytest.raises(ValueError, match="41"):
        write_token(b"short")


def test_comparison_takes_constant_time() -> None:
    """Hashes are compared by the function that is made for it, never by ``==``."""
    one, other = token_hash("a"), token_hash("b")
    assert same_hash(one, one)
    assert not same_hash(one, other)
    assert "hmac.compare_digest" in inspect.getsource(same_hash)
    assert hmac.compare_digest is tokens.hmac.compare_digest


def test_what_a_page_sends_along() -> None:
    """It is bound to the session, and is not the session."""
    assert csrf_of("lgs_a") != csrf_of("lgs_b")
    assert "lgs_a" not in csrf_of("lgs_a")
