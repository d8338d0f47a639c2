"""Checks the stored tree: its tiles against each other, and its leaves against the events."""

from collections import defaultdict
from collections.abc import Iterator

from users.audit.tree.integration import sealed_hashes
from users.audit.tree.merkle import (
    HASH_SIZE,
    hash_leaves,
    root_hash,
    subtree_root,
)
from users.audit.tree.models import LogTile
from users.audit.tree.tiles import (
    TILE_BYTES,
    TILE_WIDTH,
    TileReader,
    TreeFault,
)

# Tiles in one query: 2 MB.
TILES_AT_ONCE = 256


def recompute_root(size: int) -> bytes:
    """Returns the root of `size` leaves, computed from the tiles of level 0 in constant memory.

    Raises TreeFault naming the first tile that is missing or does not agree with those below it.
    """
    upper = UpperTiles()
    edge = b""
    for data in stored_tiles(0, size):
        if len(data) == TILE_BYTES:
            upper.add_hash(1, subtree_root(data))
        else:
            edge = data
    upper.check_edges()
    reader = TileReader()
    reader.tiles = {(level, upper.full[level]): upper.edges[level] for level in upper.edges}
    reader.tiles[0, size // TILE_WIDTH] = edge
    return root_hash(size, reader.read_node)


def check_leaves(first: int, last: int) -> None:
    """Raises TreeFault unless the events at the positions from `first` to `last` are leaves of the
    tree. `first` begins a tile: it is 1, 257, 513 and so on.
    """
    position = first
    for data in stored_tiles(0, last, first // TILE_WIDTH):
        count = len(data) // HASH_SIZE
        hashes = hash_leaves(sealed_hashes(position - 1, position - 1 + count))
        if hashes != data:
            place = first_difference(hashes, data)
            raise TreeFault(f"the event at position {position + place} differs from the tree")
        position += count


def stored_tiles(
    level: int,
    size: int,
    first: int = 0,
) -> Iterator[bytes]:
    """Yields the tiles of a level with `size` hashes, from the tile `first` on; the last one may be
    partial. Raises TreeFault if one is missing or too short.
    """
    end = -(-size // TILE_WIDTH)
    rows = LogTile.objects.filter(level=level).order_by("number")
    for start in range(first, end, TILES_AT_ONCE):
        numbers = range(start, min(start + TILES_AT_ONCE, end))
        chosen = rows.filter(number__gte=start, number__lt=numbers.stop)
        found = {}
        for number, width, data in chosen.values_list("number", "width", "data"):
            if len(data) != HASH_SIZE * width:
                raise TreeFault(f"tile {number} of level {level} does not have its recorded width")
            found[number] = data
        for number in numbers:
            length = min(TILE_BYTES, HASH_SIZE * size - TILE_BYTES * number)
            data = bytes(found.get(number, b""))[:length]
            if len(data) < length:
                raise TreeFault(f"tile {number} of level {level} is missing or too short")
            yield data


def first_difference(hashes: bytes, others: bytes) -> int:
    """Returns the index of the first of the joined hashes that differ."""
    for at in range(0, max(len(hashes), len(others)), HASH_SIZE):
        if hashes[at : at + HASH_SIZE] != others[at : at + HASH_SIZE]:
            return at // HASH_SIZE
    return 0


class UpperTiles:
    """Computes the tiles above level 0 and compares each with the stored one."""

    def __init__(self) -> None:
        # The hashes of the last tile of each level, and the number of full tiles before it.
        self.edges: defaultdict[int, bytes] = defaultdict(bytes)
        self.full: defaultdict[int, int] = defaultdict(int)

    def add_hash(self, level: int, computed: bytes) -> None:
        self.edges[level] += computed
        if len(self.edges[level]) == TILE_BYTES:
            self.check_tile(level)
            root = subtree_root(self.edges[level])
            self.edges[level] = b""
            self.full[level] += 1
            self.add_hash(level + 1, root)

    def check_edges(self) -> None:
        for level, hashes in self.edges.items():
            if hashes:
                self.check_tile(level)

    def check_tile(self, level: int) -> None:
        """Raises TreeFault unless the last tile of a level is stored as it was computed."""
        hashes = self.edges[level]
        number = self.full[level]
        rows = LogTile.objects.filter(level=level, number=number).values_list("data", flat=True)
        stored = bytes(rows.first() or b"")[: len(hashes)]
        if stored != hashes:
            below = TILE_WIDTH * number + first_difference(hashes, stored)
            raise TreeFault(
                f"tile {number} of level {level} is not the hash of tile {below} below it"
            )
