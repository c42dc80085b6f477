"""The Merkle tree agrees with its definition, with published vectors, and its proofs prove."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.audit import leaf_hash
from lockgate.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    proof_from_leaves,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from lockgate.errors import Corrupt, InvalidInput

# The leaves and roots that Certificate Transparency implementations are tested with.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
G = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"

leaves_lists = st.lists(st.binary(min_size=32, max_size=32), max_size=70)


def naive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_consistency(leaves: list[bytes], old: int, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if old <= split:
        return [*naive_consistency(leaves[:split], old, whole), naive_root(leaves[split:])]
    return [*naive_consistency(leaves[split:], old - split, False), naive_root(leaves[:split])]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    """The first n published leaves make the published root."""
    assert tree_root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"), [(0, 1, []), (0, 8, [A, B, C]), (5, 8, [G, E, ROOTS[4]])]
)
def test_published_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    """Inclusion proofs are byte for byte the published ones."""
    assert [each.hex() for each in inclusion_proof(LEAVES[:size], index)] == path


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [D, E, ROOTS[4]]), (2, 5, [B, G])],
)
def test_published_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    """Consistency proofs are byte for byte the published ones."""
    assert [each.hex() for each in consistency_proof(LEAVES[:new], old)] == path


@given(leaves_lists)
def test_root_is_the_definition(leaves: list[bytes]) -> None:
    """Appending one leaf after the other makes the root that the recursive definition makes."""
    assert tree_root(leaves) == naive_root(leaves)


@given(leaves_lists)
def test_frontier_survives_storage(leaves: list[bytes]) -> None:
    """A frontier read back is the one written, and grows on like it."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    back = Frontier.from_bytes(frontier.to_bytes())
    assert back == frontier
    back.append(b"x" * 32)
    assert back.root() == naive_root([*leaves, b"x" * 32])
    assert frontier.size == len(leaves)


@given(leaves_lists)
def test_frontier_ranges(leaves: list[bytes]) -> None:
    """Each hash of the frontier is the root of the leaves that its range says."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    expected = [naive_root(leaves[begin:end]) for begin, end in frontier.ranges()]
    assert frontier.hashes == expected


def test_copy_grows_by_itself() -> None:
    """Appending to a copy leaves the original alone."""
    frontier = Frontier()
    frontier.append(LEAVES[0])
    frontier.copy().append(LEAVES[1])
    assert frontier.root() == LEAVES[0]


@pytest.mark.parametrize("data", [b"", b"1234567", b"\0" * 8 + b"x" * 32, b"\0" * 7 + b"\1"])
def test_damaged_frontiers_are_refused(data: bytes) -> None:
    """Bytes that cannot be a frontier are Corrupt, never another tree."""
    with pytest.raises(Corrupt):
        Frontier.from_bytes(data)


@given(st.data())
def test_inclusion_proofs_prove(data: st.DataObject) -> None:
    """Every leaf is proved at its place, and at no other, nor by a changed proof."""
    leaves = data.draw(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
    index = data.draw(st.integers(0, len(leaves) - 1))
    size, root = len(leaves), naive_root(leaves)
    other_root = hashlib.sha256(root).digest()
    proof = inclusion_proof(leaves, index)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    assert not verify_inclusion(b"forged".ljust(32), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
    assert not verify_inclusion(leaves[index], index, size, proof, other_root)
    if proof:
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)
    for other in range(size):
        if leaves[other] != leaves[index]:
            assert not verify_inclusion(leaves[index], other, size, proof, root)


@given(st.data())
def test_consistency_proofs_prove(data: st.DataObject) -> None:
    """A grown log is proved consistent with what it was; another past is not."""
    leaves = data.draw(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
    old = data.draw(st.integers(0, len(leaves)))
    old_root, root = naive_root(leaves[:old]), naive_root(leaves)
    other_root = hashlib.sha256(root).digest()
    proof = consistency_proof(leaves, old)
    assert proof == (naive_consistency(leaves, old) if old else [])
    assert verify_consistency(old, old_root, len(leaves), root, proof)
    assert not verify_consistency(old, other_root, len(leaves), root, proof)
    assert not verify_consistency(old, old_root, len(leaves), root, [*proof, root])
    if 0 < old < len(leaves):
        assert not verify_consistency(old, old_root, len(leaves), other_root, proof)
        assert not verify_consistency(old, old_root, len(leaves), root, proof[:-1])


def test_a_shorter_log_is_no_continuation() -> None:
    """Neither verifying nor planning takes an old size beyond the new one."""
    assert not verify_consistency(5, EMPTY_ROOT, 3, EMPTY_ROOT, [])
    assert not verify_inclusion(LEAVES[0], 1, 1, [], LEAVES[0])
    with pytest.raises(InvalidInput):
        consistency_ranges(5, 3)
    with pytest.raises(InvalidInput):
        inclusion_ranges(3, 3)


def test_proof_from_a_stream_that_ends_early() -> None:
    """A proof is not made up from leaves that are not there."""
    with pytest.raises(Corrupt):
        proof_from_leaves(inclusion_ranges(0, 8), iter(LEAVES[:5]))
