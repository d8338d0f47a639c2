"""The highest cost of a stored password hash: about two seconds of one core, and 256 MiB.

A hash names its own cost, so that one row of an import could make each attempt to sign in take
hours or all of the memory. The limits hold when a hash is imported and again when it is checked,
because another application may have written to the table.
"""

from users.passwords.exceptions import ForeignHashError

# The length of the column.
HASH_LENGTH = 128

BCRYPT_ROUNDS = 14  # a power of two
PBKDF2_ITERATIONS = 3_000_000
ARGON2_MEMORY = 256 * 1024  # KiB
ARGON2_WORK = 1024 * 1024  # KiB, multiplied by the passes over them
ARGON2_LANES = 16
SCRYPT_MEMORY = 256 * 1024 * 1024  # bytes
SCRYPT_WORK = 512 * 1024 * 1024  # bytes, multiplied by the repetitions
PHPASS_ROUNDS = 20  # a power of two


def check_cost(label: str, *costs: tuple[int, int]) -> None:
    """Raises ForeignHashError unless each cost is between 1 and its limit."""
    for cost, limit in costs:
        if cost > limit:
            raise ForeignHashError(f"The {label} hash is too expensive to check.")
        if cost < 1:
            raise ForeignHashError(f"The {label} hash is incomplete or damaged.")


def check_argon2(label: str, *, memory: int, passes: int, lanes: int) -> None:
    """Raises ForeignHashError above the limits. `memory` is in KiB."""
    check_cost(
        label,
        (memory, ARGON2_MEMORY),
        (memory * passes, ARGON2_WORK),
        (lanes, ARGON2_LANES),
    )


def check_scrypt(label: str, *, n: int, r: int, p: int) -> None:
    """Raises ForeignHashError above the limits. The parameters have their names of RFC 7914."""
    memory = 128 * n * r
    check_cost(label, (memory, SCRYPT_MEMORY), (memory * p, SCRYPT_WORK))
