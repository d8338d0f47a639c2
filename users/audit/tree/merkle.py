"""The Merkle tree of RFC 6962: hashes, inclusion proofs and consistency proofs.

A node is named by its level (0 for leaves) and its index in that level, and covers 2^level leaves.
A node whose leaves all exist never changes, so trees of different sizes share such nodes.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from struct import iter_unpack
from typing import Any

HASH_SIZE = 32
# Leaves that are verified, and removed, at once. A power of two, so that they are a subtree.
RANGE_SIZE = 1 << 14
EMPTY_ROOT = sha256().digest()
# Prefixes keep leaves and nodes apart (RFC 6962, 2.1). Copying a hash object costs half as much as
# creating one.
LEAF_HASHER = sha256(b"\x00")
NODE_HASHER = sha256(b"\x01")
# Returns the hash of the node at a level and an index.
NodeReader = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof does not lead to the root."""


def leaf_hash(data: bytes) -> bytes:
    begun = LEAF_HASHER.copy()
    begun.update(data)
    return begun.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    begun = NODE_HASHER.copy()
    begun.update(left + right)
    return begun.digest()


def hash_leaves(leaves: bytes) -> bytes:
    """Returns the joined hashes of joined leaves of 32 bytes each."""
    return hash_parts(LEAF_HASHER, leaves, HASH_SIZE)


def hash_pairs(hashes: bytes) -> bytes:
    """Returns the joined parents of an even number of joined nodes."""
    return hash_parts(NODE_HASHER, hashes, 2 * HASH_SIZE)


def hash_parts(
    begun: Any,
    data: bytes,
    length: int,
) -> bytes:
    """Returns the joined hashes of all parts of the data, each after what has begun."""
    copy = begun.copy
    digests = []
    for (content,) in iter_unpack(f"{length}s", data):
        part = copy()
        part.update(content)
        digests.append(part.digest())
    return b"".join(digests)


def subtree_root(hashes: bytes) -> bytes:
    """Returns the node above joined nodes, whose number is a power of two."""
    while len(hashes) > HASH_SIZE:
        hashes = hash_pairs(hashes)
    return hashes


def split_point(size: int) -> int:
    """Returns the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def subtree_hash(
    start: int,
    end: int,
    read_node: NodeReader,
) -> bytes:
    """Returns the root of the leaves from `start` up to `end`, a range that a proof may need."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read_node(level, start >> level)
    middle = start + split_point(size)
    left = subtree_hash(start, middle, read_node)
    right = subtree_hash(middle, end, read_node)
    return node_hash(left, right)


def root_hash(size: int, read_node: NodeReader) -> bytes:
    return subtree_hash(0, size, read_node) if size else EMPTY_ROOT


# --- proofs ---------------------------------------------------------------------------------------


def inclusion_path(
    index: int,
    size: int,
    read_node: NodeReader,
) -> list[bytes]:
    """Returns the proof that a tree of `size` leaves has the leaf `index`, from the bottom up."""
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = start + split_point(end - start)
        if index < middle:
            path.append(subtree_hash(middle, end, read_node))
            end = middle
        else:
            path.append(subtree_hash(start, middle, read_node))
            start = middle
    return path[::-1]


def consistency_path(
    old: int,
    size: int,
    read_node: NodeReader,
) -> list[bytes]:
    """Returns the proof that a tree of `size` leaves begins with those of a tree of `old`."""
    if old in (0, size):
        return []
    start, end = 0, size
    path = []
    while old < end:
        middle = start + split_point(end - start)
        if old <= middle:
            path.append(subtree_hash(middle, end, read_node))
            end = middle
        else:
            path.append(subtree_hash(start, middle, read_node))
            start = middle
    if start:
        # The old tree is not a node of the new one.
        path.append(subtree_hash(start, end, read_node))
    return path[::-1]


def root_of_inclusion(
    leaf: bytes,
    index: int,
    size: int,
    path: Sequence[bytes],
) -> bytes:
    """Returns the root to which a proof leads from the hash of a leaf (RFC 9162, 2.1.3.2). Raises
    ProofError if the length of the proof is wrong.
    """
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    last = size - 1
    root = leaf
    for other in path:
        if last == 0:
            raise ProofError("the proof is too long")
        if index & 1 or index == last:
            root = node_hash(other, root)
            index, last = skip_levels(index, last)
        else:
            root = node_hash(root, other)
        index >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    return root


def skip_levels(index: int, last: int) -> tuple[int, int]:
    """Returns both indexes at the level at which the node has a sibling on its left."""
    while index and not index & 1:
        index >>= 1
        last >>= 1
    return index, last


def check_consistency(
    old: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]
) -> None:
    """Raises ProofError unless the proof shows that the tree of `size` leaves begins with the tree
    of `old` leaves (RFC 9162, 2.1.4.2).
    """
    if old in (0, size):
        expected = root if old == size else EMPTY_ROOT
        if path or old_root != expected:
            raise ProofError("the roots or the length of the proof are wrong")
        return
    if old & (old - 1) == 0:
        path = [old_root, *path]
    if old > size or not path:
        raise ProofError("the proof is empty, or the tree has shrunk")
    if roots_of_consistency(old, size, path) != (old_root, root):
        raise ProofError("the proof leads to other roots")


def roots_of_consistency(
    old: int,
    size: int,
    path: Sequence[bytes],
) -> tuple[bytes, bytes]:
    """Returns the old and the new root to which the proof leads."""
    index = old - 1
    last = size - 1
    while index & 1:
        index >>= 1
        last >>= 1
    old_root = root = path[0]
    for other in path[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if index & 1 or index == last:
            old_root = node_hash(other, old_root)
            root = node_hash(other, root)
            index, last = skip_levels(index, last)
        else:
            root = node_hash(root, other)
        index >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    return old_root, root


class RootBuilder:
    """Adds leaves one by one and gives the root at any size, in constant memory."""

    def __init__(self) -> None:
        self.size = 0
        # The roots of complete subtrees, the largest first.
        self.peaks: list[bytes] = []

    def add_leaf(self, data: bytes) -> None:
        node = leaf_hash(data)
        bits = self.size
        while bits & 1:
            node = node_hash(self.peaks.pop(), node)
            bits >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = node_hash(peak, root)
        return root
