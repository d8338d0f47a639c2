"""Chain hashes that were just computed, for the tree: reading them back takes longer than hashing
its leaves.
"""

from collections.abc import Sequence

from users.audit.tree.merkle import HASH_SIZE


class RecentHashes:
    """Hashes of consecutive events that one run of the task has sealed.

    They are the stored ones only as long as no transaction of that run has failed, so it belongs to
    one run and ends with it.
    """

    def __init__(self) -> None:
        # The position before the first of them.
        self.after = 0
        self.joined = b""

    def add(self, after: int, hashes: Sequence[bytes]) -> None:
        """Adds the hashes of the events after the position `after`. Forgets earlier ones if they do
        not end there.
        """
        if after != self.after + len(self.joined) // HASH_SIZE:
            self.after = after
            self.joined = b""
        self.joined += b"".join(hashes)

    def take(self, after: int, number: int) -> bytes:
        """Returns up to `number` joined hashes of the events after the position `after`, and
        forgets these and earlier ones. Returns none if it does not have the first of them.
        """
        first = HASH_SIZE * (after - self.after)
        if first < 0:
            return b""
        taken = self.joined[first : first + HASH_SIZE * number]
        self.joined = self.joined[first + len(taken) :]
        self.after = after + len(taken) // HASH_SIZE
        return taken
