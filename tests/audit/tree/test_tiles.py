"""Tiles: as the specification defines them, however the tree grows."""

from hashlib import sha256

import pytest

from tests.audit.tree import reference
from tests.audit.tree.logs import cut
from users.audit.tree import tree_check
from users.audit.tree.models import LogTile
from users.audit.tree.proofs import consistency_proof, inclusion_proof
from users.audit.tree.tiles import (
    TileKey,
    TilePath,
    TileReader,
    TreeFault,
    extend_tiles,
    store_tiles,
)

pytestmark = pytest.mark.django_db
# The tree of the example in the specification.
SIZE = 70_000
WIDTHS = {(0, 273): 112, (1, 0): 256, (1, 1): 17, (2, 0): 1}


def leaf(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def store_leaves(first: int, end: int) -> None:
    joined = b"".join(leaf(number) for number in range(first, end))
    store_tiles(first, extend_tiles(first, joined, TileReader()))


def expected_tiles(size: int) -> dict[TileKey, bytes]:
    """Computes all tiles, each level from the roots of 256 hashes of the one below."""
    hashes = [sha256(b"\x00" + leaf(number)).digest() for number in range(size)]
    tiles = {}
    level = 0
    while hashes:
        groups = [hashes[at : at + 256] for at in range(0, len(hashes), 256)]
        tiles |= {(level, number): b"".join(group) for number, group in enumerate(groups)}
        hashes = [pairwise(group) for group in groups if len(group) == 256]
        level += 1
    return tiles


def pairwise(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]


def stored() -> dict[TileKey, bytes]:
    rows = LogTile.objects.values_list("level", "number", "data")
    return {(level, number): bytes(data) for level, number, data in rows}


def test_tiles_are_those_of_the_specification_in_whatever_steps_the_tree_grows():
    steps = [1, 2, 255, 256, 257, 600, 65_535, 65_537, 65_700, SIZE]
    full: dict[TileKey, bytes] = {}
    for first, end in zip([0, *steps], steps, strict=False):
        store_leaves(first, end)
        tiles = stored()
        assert full.items() <= tiles.items()  # a full tile never changes
        full |= {key: data for key, data in tiles.items() if len(data) == 8192}
    expected = expected_tiles(SIZE)
    assert tiles == expected
    assert len([key for key in tiles if key[0] == 0]) == 274
    widths = LogTile.objects.filter(width__lt=256).values_list("level", "number", "width")
    partial = {(level, number): width for level, number, width in widths}
    assert partial | {(1, 0): 256} == WIDTHS
    root = TileReader().read_root(SIZE)
    assert tree_check.recompute_root(SIZE) == root
    # An earlier tree is read from the same tiles.
    assert tree_check.recompute_root(65_540) == TileReader().read_root(65_540)
    assert TileReader().read_root(600) == reference.mth([leaf(number) for number in range(600)])


def test_proofs_come_from_tiles():
    store_leaves(0, 700)
    data = [leaf(number) for number in range(700)]
    for position, size in ((1, 1), (1, 700), (256, 700), (257, 700), (513, 600), (700, 700)):
        assert inclusion_proof(position, size) == reference.path(position - 1, data[:size])
    for old, size in ((1, 700), (255, 700), (256, 257), (512, 600), (300, 300), (0, 5)):
        expected = reference.proof(old, data[:size]) if old else []
        assert consistency_proof(old, size) == expected
    for position, size in ((0, 700), (701, 700), (-1, 5)):
        with pytest.raises(TreeFault):
            inclusion_proof(position, size)
    with pytest.raises(TreeFault, match="missing or too short"):
        inclusion_proof(1, 701)
    with pytest.raises(TreeFault):
        consistency_proof(5, 4)


def test_a_proof_of_a_large_tree_reads_its_tiles_at_once(django_assert_num_queries):
    store_leaves(0, 700)
    reader = TileReader()
    with django_assert_num_queries(1):
        inclusion_proof(300, 700, reader)
    with django_assert_num_queries(0):
        inclusion_proof(400, 700, reader)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((0, 1), "tile 0 of level 1 is not the hash of tile 1 below it"),
        ((1, 0), "tile 0 of level 1 is not the hash of tile 2 below it"),
    ],
)
def test_a_changed_tile_is_named(key, message):
    store_leaves(0, 800)
    tile = LogTile.objects.get(level=key[0], number=key[1])
    hashes = cut(bytes(tile.data))
    hashes[2] = bytes(32)
    tile.data = b"".join(hashes)
    tile.save()
    with pytest.raises(TreeFault, match=message):
        tree_check.recompute_root(800)


def test_a_missing_tile_is_named_and_nothing_is_added_without_it():
    store_leaves(0, 800)
    LogTile.objects.filter(level=0, number=3).delete()
    with pytest.raises(TreeFault, match="tile 3 of level 0 is missing"):
        tree_check.recompute_root(800)
    with pytest.raises(TreeFault, match="tile 3 of level 0 is missing"):
        extend_tiles(800, leaf(800), TileReader())


def test_a_stored_tile_is_not_replaced():
    store_leaves(0, 800)
    with pytest.raises(TreeFault, match="there are tiles beyond the 0 events"):
        store_leaves(0, 256)
    assert stored() == expected_tiles(800)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", (0, 0, 256)),
        ("0/005.p/1", (0, 5, 1)),
        ("1/x001/x234/067", (1, 1234067, 256)),
        ("63/999.p/255", (63, 999, 255)),
        ("entries/x001/000.p/9", ("entries", 1000, 9)),
    ],
)
def test_a_tile_has_one_path(path, tile):
    assert TilePath.parse(path) == tile
    assert str(TilePath(*tile)) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/0",
        "0/00",
        "0/0000",
        "00/000",
        "64/000",
        "-1/000",
        "0/x000/001",
        "0/x001",
        "0/001/002",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/",
        "0/000.p/999",
        "0/000/",
        "0/٠٠٠",
        "data/000",
    ],
)
def test_what_names_no_tile_is_refused(path):
    assert TilePath.parse(path) is None
