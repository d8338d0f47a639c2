"""Why a verb did nothing. Views turn each into an answer; jobs and commands count it and go on."""

from users.models import User


class Stale(Exception):
    """The account has changed since the version that the caller saw. `current` is the account as it is now."""

    def __init__(self, current: User, seen: int):
        super().__init__(f"{current.username} is at version {current.version}, the change was made from {seen}.")
        self.current, self.seen = current, seen


class Refused(Exception):
    """The state of the account does not allow it; the message says why, for the person who asked."""

    def __init__(self, message: str, account: User | None = None):
        super().__init__(message)
        self.message, self.account = message, account
