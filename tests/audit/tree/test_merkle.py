"""The Merkle tree of RFC 6962: public vectors, and a recomputation by the definitions."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audit.tree import reference
from users.audit.tree.merkle import (
    EMPTY_ROOT,
    ProofError,
    RootBuilder,
    check_consistency,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_hash,
    root_of_inclusion,
)

pytestmark = pytest.mark.sqlite  # of bytes, and not of the database

# The vectors of the Certificate Transparency project, for trees of one to eight leaves.
LEAVES = [
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
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
E = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
F = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
G = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = {
    (0, 1): [],
    (0, 8): [A, B, C],
    (5, 8): [E, F, ROOTS[3]],
    (2, 3): [ROOTS[1]],
    (1, 5): [ROOTS[0], B, E],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [A, B, C],
    (6, 8): [G, F, ROOTS[3]],
    (2, 5): [B, E],
}


def reader(leaves: list[bytes]):
    """Returns the function that reads a node, computed by the definition."""

    def read_node(level: int, index: int) -> bytes:
        return reference.mth(leaves[index << level : (index + 1) << level])

    return read_node


def test_roots_of_the_public_vectors():
    assert root_hash(0, reader([])) == EMPTY_ROOT == sha256(b"").digest()
    builder = RootBuilder()
    assert builder.root() == EMPTY_ROOT
    for size, root in enumerate(ROOTS, start=1):
        builder.add_leaf(LEAVES[size - 1])
        assert root_hash(size, reader(LEAVES)).hex() == root
        assert builder.root().hex() == root


def test_proofs_of_the_public_vectors():
    read_node = reader(LEAVES)
    for (index, size), expected in INCLUSION.items():
        assert [each.hex() for each in inclusion_path(index, size, read_node)] == expected
    for (old, size), expected in CONSISTENCY.items():
        assert [each.hex() for each in consistency_path(old, size, read_node)] == expected


def test_all_proofs_of_small_trees_follow_the_definition_and_lead_to_the_root():
    leaves = [bytes([number]) for number in range(20)]
    read_node = reader(leaves)
    for size in range(1, len(leaves) + 1):
        root = reference.mth(leaves[:size])
        for index in range(size):
            path = inclusion_path(index, size, read_node)
            assert path == reference.path(index, leaves[:size])
            assert root_of_inclusion(leaf_hash(leaves[index]), index, size, path) == root
        for old in range(1, size + 1):
            path = consistency_path(old, size, read_node)
            assert path == reference.proof(old, leaves[:size])
            check_consistency(old, size, reference.mth(leaves[:old]), root, path)
        check_consistency(0, size, EMPTY_ROOT, root, [])


@st.composite
def trees(draw) -> tuple[list[bytes], int]:
    size = draw(st.integers(2, 300))
    seed = draw(st.binary(max_size=4))
    return [seed + bytes(divmod(n, 256)) for n in range(size)], draw(st.integers(0, size - 1))


@settings(max_examples=40)
@given(trees(), st.data())
def test_a_proof_with_any_change_leads_to_another_root(tree, data):
    leaves, index = tree
    size = len(leaves)
    read_node = reader(leaves)
    root = reference.mth(leaves)
    path = inclusion_path(index, size, read_node)
    assert path == reference.path(index, leaves)
    changed = altered(path, data)
    assert is_refused(
        lambda: root_of_inclusion(leaf_hash(leaves[index]), index, size, changed), root
    )
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index))
    assert is_refused(lambda: root_of_inclusion(leaf_hash(leaves[index]), other, size, path), root)
    old = index + 1
    proof = consistency_path(old, size, read_node)
    old_root = reference.mth(leaves[:old])
    check_consistency(old, size, old_root, root, proof)
    if proof:
        with pytest.raises(ProofError):
            check_consistency(old, size, old_root, root, altered(proof, data))
    forked = reference.mth([b"another", *leaves[1:old]])
    with pytest.raises(ProofError):
        check_consistency(old, size, forked, root, proof)


def altered(path: list[bytes], data) -> list[bytes]:
    """Returns the proof with one hash changed, missing, twice or added."""
    place = data.draw(st.integers(0, len(path) - 1))
    other = bytes([path[place][0] ^ 1]) + path[place][1:]
    return data.draw(
        st.sampled_from(
            [
                [*path[:place], other, *path[place + 1 :]],
                [*path[:place], *path[place + 1 :]],
                [*path[: place + 1], *path[place:]],
                [*path, bytes(32)],
            ]
        )
    )


def is_refused(compute, root: bytes) -> bool:
    try:
        return compute() != root
    except ProofError:
        return True


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_outside_of_the_tree_has_no_proof(index, size):
    with pytest.raises(ProofError):
        root_of_inclusion(bytes(32), index, size, [])
    with pytest.raises(ProofError):
        check_consistency(3, 2, bytes(32), bytes(32), [bytes(32)])
