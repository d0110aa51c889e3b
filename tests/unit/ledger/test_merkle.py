# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_ansible.ledger.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    fold,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    root_from_inclusion,
)
from nexus_ansible.ledger.tiles import Edge

# Leaves and roots published with the Certificate Transparency reference implementations.
LEAVES = [
    bytes.fromhex(text)
    for text in (
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
PROOF_SIZE = 70
ENTRIES = [f"entry {number}".encode() for number in range(PROOF_SIZE)]


def tree_hash(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not entries:
        return EMPTY_ROOT
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return node_hash(tree_hash(entries[:split]), tree_hash(entries[split:]))


def subtree(start: int, stop: int) -> bytes:
    return tree_hash(ENTRIES[start:stop])


ROOT_AT = [subtree(0, size) for size in range(PROOF_SIZE + 1)]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_the_published_ones(size: int) -> None:
    assert fold([leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


@pytest.mark.parametrize("size", range(1, PROOF_SIZE + 1))
def test_inclusion_proofs_lead_every_leaf_to_the_root_and_no_other_leaf(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(subtree, index, size)
        leaf = leaf_hash(ENTRIES[index])
        assert root_from_inclusion(leaf, index, size, proof) == ROOT_AT[size]
        assert root_from_inclusion(leaf_hash(b"other"), index, size, proof) != ROOT_AT[size]
        assert root_from_inclusion(leaf, index, size, [*proof, bytes(32)]) != ROOT_AT[size]
        assert root_from_inclusion(leaf, size + index, size, proof) is None
        if proof:
            assert root_from_inclusion(leaf, index, size, proof[:-1]) != ROOT_AT[size]


@pytest.mark.parametrize("size", range(1, PROOF_SIZE + 1))
def test_consistency_proofs_connect_every_earlier_tree_and_no_other(size: int) -> None:
    for old_size in range(1, size + 1):
        proof = consistency_proof(subtree, old_size, size)
        assert is_consistent(old_size, size, ROOT_AT[old_size], ROOT_AT[size], proof)
        assert not is_consistent(old_size, size, bytes(32), ROOT_AT[size], proof)
        assert not is_consistent(old_size, size, ROOT_AT[old_size], bytes(32), proof)
        assert not is_consistent(old_size, size, ROOT_AT[old_size], ROOT_AT[size], [*proof, bytes(32)])
    assert not is_consistent(0, size, EMPTY_ROOT, ROOT_AT[size], [])
    assert not is_consistent(size + 1, size, ROOT_AT[size], ROOT_AT[size], [])


@given(groups=st.lists(st.integers(min_value=0, max_value=700), max_size=6))
def test_a_tree_grown_in_groups_has_the_root_of_the_whole(groups: list[int]) -> None:
    hashes = [leaf_hash(number.to_bytes(4, "big")) for number in range(sum(groups))]
    edge, tiles = Edge(0), {}
    for group in groups:
        edge, growth = edge.extend(hashes[edge.size : edge.size + group])
        for tile in growth:
            place = (tile.level, tile.index)
            assert len(tiles.get(place, b"")) == tile.width * 32
            tiles[place] = tiles.get(place, b"") + tile.hashes
    assert edge.root == fold(hashes)
    assert b"".join(tiles[key] for key in sorted(tiles) if key[0] == 0) == b"".join(hashes)


def test_a_tree_of_three_levels_of_tiles_has_the_root_of_the_whole() -> None:
    hashes = [leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]
    edge, widths = Edge(0), {}
    random_sizes = random.Random(6962)
    while edge.size < len(hashes):
        edge, growth = edge.extend(hashes[edge.size : edge.size + random_sizes.randrange(1, 3000)])
        widths |= {(tile.level, tile.index): tile.new_width for tile in growth}
    assert edge.root == fold(hashes)
    assert sum(width == 256 for (level, _), width in widths.items() if level == 0) == 273
    assert (widths[0, 273], widths[1, 0], widths[1, 1], widths[2, 0]) == (112, 256, 17, 1)
