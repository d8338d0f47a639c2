"""The tiles of the tree (C2SP tlog-tiles): which hashes each has, how they are stored and read.

A partial tile is the beginning of the row that holds the tile, because rows only grow.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from users.audit.tree.merkle import (
    HASH_SIZE,
    hash_leaves,
    hash_pairs,
    inclusion_path,
    root_hash,
    subtree_root,
)
from users.audit.tree.models import LogTile
from users.database.prepared_statements import prepared_cursor

TILE_HEIGHT = 8
TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * HASH_SIZE
ENTRIES = "entries"
PATH = re.compile(
    r"(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
INSERT_SQL = """
    INSERT INTO users_logtile (level, number, width, data)
    SELECT level, number, width, substr(joined, start, 32 * width)
    FROM
        unnest(%s::smallint[], %s::bigint[], %s::smallint[], %s::integer[])
            AS given(level, number, width, start),
        (SELECT %s::bytea AS joined) AS one
"""
# The name of a tile: its level, and its index in the level.
TileKey = tuple[int, int]


class TreeFault(Exception):
    """The tree is not what it must be; the message is a sentence without a full stop."""


class TilePath(NamedTuple):
    """A tile as a URL names it. Level ENTRIES: the leaves themselves."""

    level: int | str
    number: int
    width: int

    @classmethod
    def parse(cls, text: str) -> "TilePath | None":
        """Returns the tile that a path such as 0/x001/234.p/5 names; None if it names none."""
        match = PATH.fullmatch(text)
        if not match:
            return None
        level, digits, width = match.groups()
        number = int(digits.replace("x", "").replace("/", ""))
        named = cls(
            level if level == ENTRIES else int(level),
            number,
            int(width or TILE_WIDTH),
        )
        # One tile has one path: x000/001 and .p/256 are none.
        return named if str(named) == text else None

    def __str__(self) -> str:
        digits = f"{self.number:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        partial = f".p/{self.width}" if self.width < TILE_WIDTH else ""
        return f"{self.level}/{path}{partial}"


class TileReader:
    """Reads nodes from the stored tiles, each tile once."""

    def __init__(self) -> None:
        self.tiles: dict[TileKey, bytes] = {}
        self.nodes: dict[tuple[int, int], bytes] = {}

    def load(self, keys: Iterable[TileKey]) -> None:
        """Reads tiles with one query."""
        wanted = Q()
        for level, number in keys:
            if (level, number) not in self.tiles:
                wanted |= Q(level=level, number=number)
        if wanted:
            rows = LogTile.objects.filter(wanted).values_list("level", "number", "data")
            self.tiles |= {(level, number): bytes(data) for level, number, data in rows}

    def read_hashes(
        self,
        key: TileKey,
        first: int,
        number: int,
    ) -> bytes:
        """Returns joined hashes of a tile. Raises TreeFault if it has fewer."""
        if key not in self.tiles:
            self.load([key])
        start = HASH_SIZE * first
        hashes = self.tiles.get(key, b"")[start : start + HASH_SIZE * number]
        if len(hashes) != HASH_SIZE * number:
            raise TreeFault(f"tile {key[1]} of level {key[0]} is missing or too short")
        return hashes

    def read_node(self, level: int, index: int) -> bytes:
        """Returns a node of the tree, which may lie between the levels of tiles."""
        node = self.nodes.get((level, index))
        if node is None:
            row, height = divmod(level, TILE_HEIGHT)
            number, first = divmod(index << height, TILE_WIDTH)
            node = subtree_root(self.read_hashes((row, number), first, 1 << height))
            self.nodes[level, index] = node
        return node

    def read_root(self, size: int) -> bytes:
        """Returns the root of the tree of `size` leaves."""
        self.load(edge_tiles(size))
        return root_hash(size, self.read_node)

    def read_peaks(self, size: int) -> list[bytes]:
        """Returns the roots of the complete subtrees of `size` leaves, the largest first."""
        self.load(edge_tiles(size))
        levels = [level for level in range(size.bit_length()) if size >> level & 1]
        # The subtree of a level ends where the larger ones and it end together.
        return [self.read_node(level, (size >> level) - 1) for level in reversed(levels)]

    def read_inclusion(self, index: int, size: int) -> list[bytes]:
        """Returns the proof that the tree of `size` leaves has the leaf `index`."""
        self.load([*edge_tiles(size), *edge_tiles(index + 1)])
        return inclusion_path(index, size, self.read_node)


def edge_tiles(size: int) -> Iterator[TileKey]:
    """Yields the tiles at the right edge of a tree, which have its root and its last leaf."""
    level = 0
    while size:
        yield level, (size - 1) >> TILE_HEIGHT
        size >>= TILE_HEIGHT
        level += 1


def partial_tiles(size: int) -> dict[TileKey, int]:
    """Returns the widths of the tiles of a tree that are not full."""
    widths = {}
    level = 0
    while size:
        number, width = divmod(size, TILE_WIDTH)
        if width:
            widths[level, number] = width
        size = number
        level += 1
    return widths


def extend_tiles(
    size: int,
    leaves: bytes,
    reader: TileReader,
) -> dict[TileKey, bytes]:
    """Returns the tiles that joined leaves of 32 bytes change or add in a tree of `size` leaves.
    Raises TreeFault if a tile of that tree is missing.
    """
    reader.load(partial_tiles(size))
    tiles: dict[TileKey, bytes] = {}
    level = 0
    hashes = hash_leaves(leaves)
    while hashes:
        number, width = divmod(size, TILE_WIDTH)
        joined = reader.read_hashes((level, number), 0, width) + hashes if width else hashes
        cut = cut_tiles(joined)
        tiles |= {(level, number + place): tile for place, tile in enumerate(cut)}
        hashes = tile_roots(joined)
        size = number
        level += 1
    return tiles


def tile_roots(hashes: bytes) -> bytes:
    """Returns the joined nodes above the full tiles at the beginning of joined hashes."""
    roots = hashes[: len(hashes) // TILE_BYTES * TILE_BYTES]
    for _ in range(TILE_HEIGHT):
        roots = hash_pairs(roots)
    return roots


def cut_tiles(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + TILE_BYTES] for at in range(0, len(hashes), TILE_BYTES)]


def store_tiles(size: int, tiles: dict[TileKey, bytes]) -> None:
    """Stores the tiles that leaves have added to a tree of `size` leaves, or changed in it.

    Raises TreeFault if a new one is stored already, because a full tile never changes.
    """
    grown = partial_tiles(size)
    new = {}
    for key, data in tiles.items():
        if key in grown:
            row = LogTile.objects.filter(level=key[0], number=key[1])
            row.update(width=len(data) // HASH_SIZE, data=data)
        else:
            new[key] = data
    try:
        with transaction.atomic():
            insert_tiles(new)
    except IntegrityError as error:
        raise TreeFault(f"there are tiles beyond the {size:,} events of the tree") from error


def insert_tiles(tiles: dict[TileKey, bytes]) -> None:
    """Inserts tiles. On PostgreSQL they are one binary value, since the ORM would send each of them
    as hexadecimal text, which takes server and client twice as long.
    """
    widths = [len(data) // HASH_SIZE for data in tiles.values()]
    if connection.vendor != "postgresql":
        rows = [
            LogTile(level=level, number=number, width=width, data=data)
            for ((level, number), data), width in zip(tiles.items(), widths, strict=True)
        ]
        LogTile.objects.bulk_create(rows)
        return
    levels = [level for level, _ in tiles]
    numbers = [number for _, number in tiles]
    starts = list(accumulate(map(len, tiles.values()), initial=1))[:-1]
    with prepared_cursor(connection) as cursor:
        cursor.execute(INSERT_SQL, [levels, numbers, widths, starts, b"".join(tiles.values())])
