"""The Merkle tree of RFC 6962 over leaf hashes: its right edge, its root, its proofs.

    size 7:          root
                    /    \\
               [0,4)      .          The frontier of 7 leaves is the roots of [0,4), [4,6), [6,7):
               /  \\      / \\         one complete subtree for each 1 in the binary size.
            [0,2)[2,4)[4,6)[6,7)

A leaf hash is made in `domain.audit`; everything here works on such 32-byte hashes. Proofs are
planned first, as the ranges of leaves whose subtree roots they consist of, and computed from a
single pass over the leaves, so that a log in a database needs no tree in a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

from lockgate.errors import Corrupt, InvalidInput

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_NODE_PREFIX = b"\x01"
_SIZE_BYTES = 8

Range = tuple[int, int]
"""Leaves ``begin`` to ``end`` (without ``end``), counted from 0."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the RFC 6962 hash of an inner node (32 bytes)."""
    return hashlib.sha256(_NODE_PREFIX + left + right).digest()


class Frontier:
    """The right edge of a growing tree: all that appending and the root need.

    ``hashes`` are the roots of the complete subtrees from left to right, the largest first.
    Appending changes the frontier in place; `copy` it to keep an earlier one.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise Corrupt(
                detail=f"A tree of {size} leaves has {max(size, 0).bit_count()} complete "
                f"subtrees, not {len(self.hashes)}"
            )
        if any(len(each) != HASH_BYTES for each in self.hashes):
            raise Corrupt(detail=f"A hash of the tree must have {HASH_BYTES} bytes")

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at the right."""
        hashes, size = self.hashes, self.size
        self.size = size + 1
        while size & 1:
            leaf = hashlib.sha256(_NODE_PREFIX + hashes.pop() + leaf).digest()
            size >>= 1
        hashes.append(leaf)

    def root(self) -> bytes:
        """Return the root over all leaves so far; of none, the hash of the empty string."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            root = node_hash(left, root)
        return root

    def ranges(self) -> list[Range]:
        """Return which leaves each of ``hashes`` stands for."""
        return _complete_ranges(0, self.size)

    def copy(self) -> Frontier:
        """Return a frontier that grows by itself."""
        return Frontier(self.size, self.hashes)

    def to_bytes(self) -> bytes:
        """Return the size (8 bytes, big-endian) and the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Return the frontier that `to_bytes` wrote. Raises `Corrupt` if it cannot be one."""
        rest = len(data) - _SIZE_BYTES
        if rest < 0 or rest % HASH_BYTES:
            raise Corrupt(detail=f"{len(data)} bytes are not a stored frontier of the log")
        starts = range(_SIZE_BYTES, len(data), HASH_BYTES)
        return cls(
            int.from_bytes(data[:_SIZE_BYTES], "big"),
            [data[start : start + HASH_BYTES] for start in starts],
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frontier):
            return NotImplemented
        return self.size == other.size and self.hashes == other.hashes

    __hash__ = None  # type: ignore[assignment]  # it changes in place

    def __repr__(self) -> str:
        return f"Frontier(size={self.size}, root={self.root().hex()})"


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over ``leaves``."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the subtrees that prove leaf ``index`` (from 0) to be in a tree of ``size``."""
    if not 0 <= index < size:
        raise InvalidInput(detail=f"A tree of {size} leaves has no leaf {index}", field="index")
    ranges: list[Range] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    ranges.reverse()
    return ranges


def consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """Return the subtrees that prove the tree of ``old_size`` to be a beginning of the new one.

    A tree of no leaves begins every tree and a tree begins itself: nothing to prove.
    """
    if not 0 <= old_size <= new_size:
        raise InvalidInput(
            detail=f"A tree of {old_size} leaves is no beginning of one of {new_size}",
            field="old_size",
        )
    if old_size in {0, new_size}:
        return []
    ranges: list[Range] = []
    begin, end = 0, new_size
    # ``begin`` stays 0 as long as the old tree's own root, which the verifier has, is enough.
    while old_size != end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:
        ranges.append((begin, end))
    ranges.reverse()
    return ranges


def proof_from_leaves(ranges: Sequence[Range], leaves: Iterable[bytes]) -> list[bytes]:
    """Return the root of each range, in one pass over ``leaves`` (the hashes from leaf 0 on).

    Raises `Corrupt` when the leaves end too early.
    """
    roots: dict[Range, bytes] = {}
    source = iter(leaves)
    position = 0
    for begin, end in sorted(ranges):
        frontier = Frontier()
        for leaf in islice(source, begin - position, end - position):
            frontier.append(leaf)
        if frontier.size != end - begin:
            raise Corrupt(detail=f"The log ends before its event {end}")
        roots[begin, end] = frontier.root()
        position = end
    return [roots[each] for each in ranges]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf ``index`` (from 0) in the tree over ``leaves``."""
    return proof_from_leaves(inclusion_ranges(index, len(leaves)), leaves)


def inclusion_proofs(
    indexes: Sequence[int], size: int, leaves: Iterable[bytes]
) -> list[list[bytes]]:
    """Return the audit path of each of some leaves, in one pass over the first ``size``.

    Raises `Corrupt` when the leaves end too early.
    """
    paths = [inclusion_ranges(index, size) for index in indexes]
    needed = {each for path in paths for each in path}
    roots: dict[Range, bytes] = {}
    right_edge: list[tuple[int, int, bytes]] = []
    count = 0
    for leaf in islice(leaves, size):
        begin, end, root = count, count + 1, leaf
        count += 1
        if (begin, end) in needed:
            roots[begin, end] = root
        while right_edge and right_edge[-1][1] - right_edge[-1][0] == end - begin:
            begin, _, left = right_edge.pop()
            root = node_hash(left, root)
            if (begin, end) in needed:
                roots[begin, end] = root
        right_edge.append((begin, end, root))
    if count != size:
        raise Corrupt(detail=f"The log ends before its event {size}")
    while len(right_edge) > 1:
        begin, end, root = right_edge.pop()
        begin, _, left = right_edge.pop()
        root = node_hash(left, root)
        roots[begin, end] = root
        right_edge.append((begin, end, root))
    return [[roots[each] for each in path] for path in paths]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first ``old_size`` of ``leaves`` are its beginning."""
    return proof_from_leaves(consistency_ranges(old_size, len(leaves)), leaves)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Say whether ``proof`` shows ``leaf`` at ``index`` in the tree of ``size`` and ``root``.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    steps = _climb(index, size - 1, proof)
    if steps is None:
        return False
    found = leaf
    for sibling, is_left in steps:
        found = node_hash(sibling, found) if is_left else node_hash(found, sibling)
    return found == root


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether ``proof`` shows the old tree to be the beginning of the new one.

    RFC 9162, section 2.1.4.2.
    """
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    steps = _climb(node, last, path[1:])
    if steps is None:
        return False
    old_found = new_found = path[0]
    for sibling, is_left in steps:
        # What stands to the left is in both trees, what stands to the right only in the new one.
        if is_left:
            old_found = node_hash(sibling, old_found)
            new_found = node_hash(sibling, new_found)
        else:
            new_found = node_hash(new_found, sibling)
    return old_found == old_root and new_found == new_root


def _climb(node: int, last: int, proof: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Return each sibling on the way to the root, and whether it stands to the left.

    The way begins at ``node`` of a level whose last node is ``last``. None for a proof that is
    longer or shorter than the way.
    """
    steps: list[tuple[bytes, bool]] = []
    for sibling in proof:
        if last == 0:
            return None
        is_left = node & 1 == 1 or node == last
        steps.append((sibling, is_left))
        if is_left:
            # The last node of a level, if it has no partner there, rises as it is.
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        node >>= 1
        last >>= 1
    return steps if last == 0 else None


def _split(size: int) -> int:
    """Return the largest power of two below ``size`` (which is at least 2)."""
    return 1 << (size - 1).bit_length() - 1


def _complete_ranges(begin: int, end: int) -> list[Range]:
    ranges: list[Range] = []
    while begin < end:
        width = 1 << (end - begin).bit_length() - 1
        ranges.append((begin, begin + width))
        begin += width
    return ranges
