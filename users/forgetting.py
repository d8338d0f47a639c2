"""The registry of erasure steps: each room registers how it removes the data of a person.

An erasure runs all steps in one transaction, with the account's row locked. users/apps.py lists the
modules that contain the steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from users.models import User

# Replaces the name of an erased person.
ERASED_PERSON = "an erased account"


class PersonNames(Protocol):
    """Recognises texts that name one person."""

    def occur_in(self, *texts: object) -> bool:
        """Returns whether one of `texts` names the person."""

    def identify(self, text: str) -> bool:
        """Returns whether a text has a value that only this person has."""


@dataclass
class Erasure:
    """An erasure in progress."""

    account: User
    by: Any
    # The username and the email address stay reserved.
    reserve: bool
    # Set by the first step (users/privacy/forgetting.py) for the steps after it.
    names: PersonNames = field(init=False)


ErasureStep = Callable[[Erasure], None]
ERASURE_STEPS: dict[int, ErasureStep] = {}


def forgets(*, order: int) -> Callable[[ErasureStep], ErasureStep]:
    """Registers a step of the erasure. Steps run in ascending `order`, which must be unique.

    If a step raises VerbRefused, the whole erasure is refused and rolled back.
    """

    def register(step: ErasureStep) -> ErasureStep:
        if order in ERASURE_STEPS:
            raise ValueError(f"Two steps of an erasure have the order {order}.")
        ERASURE_STEPS[order] = step
        return step

    return register


def forget_person(erasure: Erasure) -> None:
    """Runs all steps in the caller's transaction."""
    for order in sorted(ERASURE_STEPS):
        ERASURE_STEPS[order](erasure)
