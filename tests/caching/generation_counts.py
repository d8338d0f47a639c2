"""Generations as tests count them."""

from users.access import CommandActor
from users.caching.generation import (
    Generations,
)

COMMAND = CommandActor("test")


def total(generations: Generations, name: str = "accounts") -> int:
    """Grows with every change: each lane only rises, and lanes are only added."""
    return sum(int(number) for number in generations[name].split("."))
