# SPDX-License-Identifier: Apache-2.0
"""Merkle tree hashing and proofs of RFC 6962, section 2.1: pure functions over SHA-256 hashes of 32 bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

SubtreeHash = Callable[[int, int], bytes]
"""`subtree(start, stop)` is the Merkle tree hash of the leaves start..stop-1, MTH(D[start:stop]) in RFC 6962."""


Rows = tuple[list[bytes], ...]
"""The complete nodes over a run of hashes: the hashes themselves, their parents, and so on."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one log entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def split_hashes(data: bytes) -> list[bytes]:
    """Cut concatenated hashes apart."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees of equal size, of which the last may be a smaller, incomplete one.

    Pairing neighbours and carrying an odd last one up gives the same tree as RFC 6962's recursive split at the
    largest power of two.
    """
    row = list(hashes)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        paired = _pair(row)
        if len(row) % 2:
            paired.append(row[-1])
        row = paired
    return row[0]


def extend_rows(rows: Rows, hashes: list[bytes]) -> Rows:
    """Return the rows over more hashes at the bottom, computing only the nodes that become complete."""
    grown: list[list[bytes]] = []
    added = hashes
    while added:
        level = len(grown)
        row = rows[level] + added if level < len(rows) else added
        done = len(rows[level + 1]) if level + 1 < len(rows) else 0
        grown.append(row)
        added = _pair(row[2 * done :])
    return (*grown, *rows[len(grown) :])


def root_of_rows(parts: Iterable[Rows]) -> bytes:
    """Return the root over several rows of nodes, each part standing above the one before.

    A row of odd length has a node without a sibling; together they are the right edge of the tree.
    """
    root = b""
    for rows in parts:
        for row in rows:
            if len(row) % 2:
                root = node_hash(row[-1], root) if root else row[-1]
    return root or EMPTY_ROOT


def inclusion_proof(subtree: SubtreeHash, index: int, size: int) -> list[bytes]:
    """Return PATH(index, D[size]): the siblings from the leaf up to the root's child (RFC 6962, 2.1.1)."""
    start, stop, path = 0, size, []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(subtree: SubtreeHash, old_size: int, size: int) -> list[bytes]:
    """Return PROOF(old_size, D[size]), `0 < old_size <= size` (RFC 6962, 2.1.2)."""
    start, stop, path = 0, size, []
    old_is_whole = True
    while old_size != stop:
        middle = start + _split(stop - start)
        if old_size <= middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
            old_is_whole = False
    if not old_is_whole:
        path.append(subtree(start, stop))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root that an inclusion proof leads to, or None when its length does not fit `index` and `size`.

    The algorithm is that of RFC 9162, section 2.1.3.2 (the same tree as RFC 6962).
    """
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether a proof shows that the tree of `old_size` is a prefix of the tree of `size` (RFC 9162, 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    return bool(path) and _roots_from_consistency(old_size, size, path) == (old_root, root)


def _roots_from_consistency(old_size: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_root = root = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old_root, root = node_hash(sibling, old_root), node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    return (old_root, root) if last == 0 else None


def _pair(row: list[bytes]) -> list[bytes]:
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
