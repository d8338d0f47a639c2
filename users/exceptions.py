"""Exceptions of verbs, jobs and requests.

Views turn them into responses; jobs and commands count them and continue.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from users.models import User


@dataclass(frozen=True)
class FieldConflict:
    """A field that two people changed from the same version.

    `theirs` is the stored value; `actor_id`, `actor_text` and `at` say who stored it, and when.
    `known`: the audit events contain `original`. Without them, the author of a change is unknown.
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
    """The account has changed since version `seen`, which the caller loaded.

    `current`: the account as stored now. For verbs that merge changes, `conflicts` has the fields
    that a person must decide, and `settled` the merged values of the others, by name.
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
    """A verb was refused because of the account's state. The message is shown on the screen."""

    def __init__(self, message: str, account: User | None = None):
        super().__init__(message)
        self.message = message
        self.account = account


class SudoRequired(Exception):
    """The viewer must confirm who they are before the request is served (users/sudo/).

    `is_heavy_use`: they have used much personal data (users/meter/), and must confirm afresh.
    """

    def __init__(self, *, is_heavy_use: bool = False):
        super().__init__()
        self.is_heavy_use = is_heavy_use


class BadRequest(Exception):
    """Invalid input outside of a form, such as a parameter of a URL.

    It becomes a 400 page that names the parameter and links to `back`.
    """

    def __init__(self, parameter: str, message: str, back: str):
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message
        self.back = back


class BadParameter(Exception):
    """An invalid query string. `parameter` is the one to correct."""

    def __init__(self, parameter: str, message: str):
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


class JobRefused(Exception):
    """The state of the job, or the number of jobs, forbids a request. The message is a sentence."""
