"""Which columns of an account its events tell of."""

from collections.abc import Iterable

from users.fields import PROFILE, STANDING


def told(columns: Iterable[str]) -> list[str]:
    return [name for name in columns if name in PROFILE or name in STANDING]
