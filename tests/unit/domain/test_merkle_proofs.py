"""Many inclusion proofs in one pass are those of each by itself."""

from __future__ import annotations

import hashlib

import pytest

from lockgate.domain.merkle import inclusion_proof, inclusion_proofs
from lockgate.errors import Corrupt

LEAVES = [hashlib.sha256(bytes([i])).digest() for i in range(70)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 13, 64, 65, 70])
def test_as_one_by_one(size: int) -> None:
    """For every leaf, in trees of every shape, whatever comes after them."""
    indexes = list(range(size))
    expected = [inclusion_proof(LEAVES[:size], index) for index in indexes]
    assert inclusion_proofs(indexes, size, LEAVES) == expected


def test_leaves_that_are_missing() -> None:
    """A log that ends before it should proves nothing."""
    with pytest.raises(Corrupt):
        inclusion_proofs([0], 71, LEAVES)
