"""Whatever a parser is handed, it returns or says what is wrong: no other error, and it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile_files import CODE_OR_UNKNOWN, TENSORS, gguf
from lockgate.artifacts.signatures import ManifestSignature
from lockgate.auditor import verify_export
from lockgate.domain.addresses import AddressRules
from lockgate.domain.checkpoints import parse_checkpoint, parse_note, parse_verifier_key
from lockgate.domain.filters import parse_filter, parse_order_by
from lockgate.domain.gguf import parse_gguf
from lockgate.domain.lifecycle_documents import parse_lifecycle, read_document
from lockgate.domain.manifests import parse_manifest
from lockgate.domain.moments import parse_moment
from lockgate.domain.names import alias_name, key_name, model_name, project_name, version_label
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.references import parse_reference
from lockgate.domain.tensors import parse_safetensors
from lockgate.errors import RegistryError
from lockgate.http.downloads import span_of
from lockgate.services.paging import read_cursor
from lockgate.storage.search_cursors import decode_cursor
from lockgate.wire.frames import read_frames, unpack_blobs
from lockgate.wire.values import read_json

MANY = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
# What the grammars are made of.
WORDS = (
    "churn", "name", "metrics.auc", "=", "!=", ">", "<=", "AND", "OR", "NOT", "IN", "LIKE", "'",
    '"', "`", "(", ")", ":", "@", "/", "latest", "sha256:", "production", "0.9", "1e999", "-", "%",
    "\\", "\0", "\ud800", "\u202e", "\n", " ", "tags.", "blake3:", "bytes=", ",", "DESC", "+",
    "2026-01-01", "T00:00Z", "lockgate", "\u2014", "origin\n", "[", "]", "{", "}", "NaN", "null",
    "[[stages]]", "name =",
)  # fmt: skip
KEYS = (
    "name stages edges initial requirements kind mode metric approvals count from to verbs policies"
)
texts = st.one_of(
    st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=30).map("".join),
    st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join),
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        texts | st.sampled_from(KEYS), inner, max_size=5
    ),
    max_leaves=15,
)  # fmt: skip

OF_TEXT: dict[str, Callable[[str], Any]] = {
    "reference": parse_reference,
    "filter": parse_filter,
    "filter of models": lambda text: parse_filter(text, "models"),
    "order": parse_order_by,
    "lifecycle, TOML": read_document,
    "lifecycle, JSON": lambda text: read_document(text, form="json"),
    "moment": parse_moment,
    "verifier key": parse_verifier_key,
    "note": parse_note,
    "checkpoint": parse_checkpoint,
    "page cursor": lambda text: read_cursor(text, "q", int),
    "search cursor": lambda text: decode_cursor(text, "q", (), "sqlite"),
    "range": span_of,
    "hosts": AddressRules.parse,
    "model name": model_name,
    "project name": project_name,
    "label": version_label,
    "alias": alias_name,
    "key": lambda text: key_name(text, "tag"),
    "signature": lambda text: ManifestSignature(text, text, text),
    "export": lambda text: verify_export(text.splitlines(), "k+00000000+x"),
}
OF_BYTES: dict[str, Callable[[bytes], Any]] = {
    "JSON": read_json,
    "manifest": parse_manifest,
    "blobs to the server": unpack_blobs,
    "blobs from the server": lambda data: list(read_frames(data)),
    "safetensors": lambda data: parse_safetensors(lambda at, n: data[at : at + n], len(data)),
    "gguf": lambda data: parse_gguf(lambda at, n: data[at : at + n], len(data)),
}
SEEDS = [
    TENSORS,
    gguf(),
    b'{"a": [1, 2.5, "x", null]}',
    *[data for _, data in CODE_OR_UNKNOWN.values()][:40],
]


def mutated(seed: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    """Some bytes of a real file replaced."""
    data = bytearray(seed)
    for place, new in edits:
        at = place % (len(data) + 1)
        data[at : at + len(new)] = new
    return bytes(data)


edited = st.builds(
    mutated,
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=9)), max_size=4),
)


@pytest.mark.parametrize("parser", OF_TEXT)
@MANY
@given(text=texts)
def test_text(parser: str, text: str) -> None:
    """A text is understood or refused by an error of the registry's own."""
    with suppress(RegistryError):
        OF_TEXT[parser](text)


@pytest.mark.parametrize("parser", OF_BYTES)
@MANY
@given(
    data=st.one_of(st.binary(max_size=300), edited, values.map(lambda v: json.dumps(v).encode()))
)
def test_bytes(parser: str, data: bytes) -> None:
    """So are bytes, random ones and those of real files with a few changed."""
    with suppress(RegistryError):
        OF_BYTES[parser](data)


@pytest.mark.parametrize(
    "parser", [parse_lifecycle, PromotionPolicy.from_document], ids=["lifecycle", "policy"]
)
@MANY
@given(document=values)
def test_documents(parser: Callable[[Any], Any], document: Any) -> None:
    """And documents of any shape."""
    with suppress(RegistryError):
        parser(document)
