"""The steps of an erasure. Each room registers how it removes what it holds of a person.

The erasure runs every step in its own transaction, with the account's row locked, and knows none of
the rooms. The modules with the steps are listed in users/apps.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from users.models import User

ERASED_PERSON = "an erased account"  # stands where somebody's name stood


class PersonNames(Protocol):
    """The texts that name one person."""

    def within(self, *texts: object) -> bool:
        """Returns whether one of `texts` names the person."""


@dataclass
class Erasure:
    """One erasure: of whom, by whom, and whether username and address stay reserved.

    `names` is set by the first step (users/privacy/forgetting.py) for the steps after it.
    """

    account: User
    by: Any
    reserve: bool
    names: PersonNames = field(init=False)


ErasureStep = Callable[[Erasure], None]
ERASURE_STEPS: dict[int, ErasureStep] = {}


def forgets(*, order: int) -> Callable[[ErasureStep], ErasureStep]:
    """Registers a step. Steps run by ascending `order`; each number is used once.

    A step may raise VerbRefused: the whole erasure is then refused and rolled back.
    """

    def register(step: ErasureStep) -> ErasureStep:
        if order in ERASURE_STEPS:
            raise ValueError(f"Two steps of an erasure have the order {order}.")
        ERASURE_STEPS[order] = step
        return step

    return register


def forget_person(erasure: Erasure) -> None:
    """Runs all steps, in the transaction of the caller."""
    for order in sorted(ERASURE_STEPS):
        ERASURE_STEPS[order](erasure)
