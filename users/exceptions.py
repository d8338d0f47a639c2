"""Why a verb did nothing. Views turn each into an answer; jobs and commands count it and go on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from users.models import User


@dataclass(frozen=True)
class FieldConflict:
    """A field that two people changed from one version. `theirs` stands in the account; who made it
    so, and when.

    `known`: whether events tell `original`; where they do not, nobody knows who changed what.
    """

    name: str
    original: Any
    yours: Any
    theirs: Any
    known: bool = True
    actor_id: int | None = None
    actor_text: str = ""
    at: datetime | None = None


class EditConflict(Exception):
    """The account has changed since the version that the caller saw. `current` is the account as it
    is now.

    `conflicts`: fields to ask about, where the verb merges. `settled`: what the others come to, by
    name.
    """

    def __init__(
        self,
        current: User,
        seen: int,
        conflicts: tuple[FieldConflict, ...] = (),
        settled: dict[str, Any] | None = None,
    ):
        super().__init__(
            f"{current.username} is at version {current.version}, the change was made from {seen}."
        )
        self.current = current
        self.seen = seen
        self.conflicts = conflicts
        self.settled = settled or {}


class VerbRefused(Exception):
    """A verb that the account's state does not allow. The message says why, for the screen."""

    def __init__(self, message: str, account: User | None = None):
        super().__init__(message)
        self.message = message
        self.account = account


class BadRequest(Exception):
    """Input that no form can hold: a parameter of a URL. Becomes a 400 page that names it and links
    to a clean start.
    """

    def __init__(self, parameter: str, message: str, back: str):
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message
        self.back = back


class BadParameter(Exception):
    """A query string that means nothing. `parameter` is the one to mend."""

    def __init__(self, parameter: str, message: str):
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


class JobRefused(Exception):
    """The job's state, or the number of jobs, does not allow it. The message is a sentence."""
