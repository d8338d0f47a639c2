"""Makes the columns of a made-up account that its history sets: status, times, password.

They agree as if the product had been used: who has signed in has a password, and times are in
order. users/demo/history.py writes the events of these changes. Imports no model, like
users/demo/copy_blocks.py.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple

from users.demo.clock import DAY_MICROSECONDS, HISTORY_MICROSECONDS, Clock

# Each account draws a number below 1,024, which decides its status. Numbers from 0 are active,
# those from the following bounds are invited, suspended and deleted.
INVITED_FROM = 952
SUSPENDED_FROM = 972
DELETED_FROM = 1003
REASONS = [
    "Several chargebacks in one week.",
    "Sent unsolicited emails to other members.",
    "The password was in a public leak; waiting for the owner.",
    "Requested by the owner by phone.",
    "Signs of a shared account.",
    "Invoice overdue by 90 days.",
    "Harassed a colleague; see the case file.",
    "Signed in from two continents within an hour.",
]
DELETION_REASONS = [
    "Requested by the user.",
    "Left the organisation (confirmed by): the head of the department.",
    "Duplicate account; the other one is kept.",
    "Test account.",
]
# The values that a restore puts back.
ACTIVE_BEFORE_DELETION = '{"status": "active", "status_reason": "", "suspended_until": null}'
# Django's own parameters of Argon2.
PASSWORD_PREFIX = "argon2$argon2id$v=19$m=102400,t=2,p=8$"  # noqa: S105  no password
NEVER = 0  # of moments, which are later


class StatusColumns(NamedTuple):
    """The status of an account and what belongs to it, as text."""

    status: str
    status_reason: str
    suspended_until: str | None
    valid_until: str | None
    deleted_at: str | None
    before_deletion: str | None
    version: str = "1"
    session_epoch: str = "0"


class HistoryMaker:
    """Makes the histories of one block of rows, with its random `bits`.

    `accounts`: the number of accounts of the plan. `null`: as in RowMaker.
    """

    def __init__(self, accounts: int, bits: Callable[[int], int], clock: Clock, null: str | None):
        self.accounts = accounts
        self.bits = bits
        self.clock = clock
        self.null = null

    def make(self, number: int, staff: bool, has_email: bool) -> tuple[str | None, ...]:
        """Returns the columns from status to has_second_factor, with their times in order:
        joined, verified, signed in, suspended or deleted.
        """
        joined = self.date_joined(number)
        drawn = 0 if staff else self.bits(10)
        invited = INVITED_FROM <= drawn < SUSPENDED_FROM and has_email
        if invited:
            null = self.null
            status = StatusColumns("invited", "", null, null, null, null)
            times = (null, *[self.clock.text(joined)] * 2, null, null)
            return (*status, *times, self.no_password(), "0", "0")
        if drawn >= SUSPENDED_FROM:
            return self.ended_history(joined, has_email, deleted=drawn >= DELETED_FROM)
        if staff:
            return self.staff_history(joined)
        return self.active_history(joined, has_email)

    def ended_history(
        self, joined: int, has_email: bool, *, deleted: bool
    ) -> tuple[str | None, ...]:
        """Returns the history of a suspended or deleted account, whose sessions have ended."""
        null = self.null
        age = HISTORY_MICROSECONDS - joined
        changed = HISTORY_MICROSECONDS - int(age * (self.bits(16) / 65536) ** 2)
        seen = self.last_seen(joined, changed)
        changed_at = self.clock.text(changed)
        if deleted:
            reason = DELETION_REASONS[self.bits(2)]
            before = ACTIVE_BEFORE_DELETION
            status = StatusColumns("deleted", reason, null, null, changed_at, before, "2", "1")
        else:
            reason = REASONS[self.bits(3)]
            until = self.end_of_suspension(changed)
            status = StatusColumns("suspended", reason, until, null, null, null, "2", "1")
        verified = self.date_verified(joined, seen or changed, has_email)
        return (*status, *self.times(joined, verified, changed, seen), *self.security(seen))

    def staff_history(self, joined: int) -> tuple[str | None, ...]:
        """Returns the history of someone who was given a role within two days and has signed in
        since.
        """
        granted = self.moment_after(joined, 2 * DAY_MICROSECONDS)
        seen = self.last_seen(granted, HISTORY_MICROSECONDS, ever=True)
        null = self.null
        status = StatusColumns("active", "", null, null, null, null, "2")
        verified = self.date_verified(joined, seen, ever=True)
        times = self.times(joined, verified, granted, seen)
        return (*status, *times, self.unknown_password(), "0", "1")

    def active_history(self, joined: int, has_email: bool) -> tuple[str | None, ...]:
        """Returns the history of an account that nobody has changed, or that was given an end date
        or has to change its password.
        """
        ends, changed, limit = self.null, joined, HISTORY_MICROSECONDS
        must_change = False
        if self.bits(5) == 0:
            end = self.end_of_validity(joined)
            ends = self.clock.text(end)
            changed = self.moment_after(joined, 30 * DAY_MICROSECONDS)
            limit = min(end, limit)
        seen = self.last_seen(joined, limit)
        if changed == joined and seen and self.bits(10) == 0:
            must_change = True
            changed = self.moment_after(seen, 30 * DAY_MICROSECONDS)
        null = self.null
        version = "1" if changed == joined else "2"
        status = StatusColumns("active", "", null, ends, null, null, version)
        verified = self.date_verified(joined, seen or limit, has_email)
        times = self.times(joined, verified, changed, seen)
        return (*status, *times, *self.security(seen, must_change))

    def times(
        self, joined: int, verified: str | None, changed: int, seen: int
    ) -> tuple[str | None, ...]:
        """Returns the columns from email_verified_at to last_login."""
        joined_at = self.clock.text(joined)
        changed_at = joined_at if changed == joined else self.clock.text(changed)
        seen_at = self.clock.text(seen) if seen else self.null
        return verified, joined_at, changed_at, seen_at, seen_at

    def security(self, seen: int, must_change: bool = False) -> tuple[str, str, str]:
        """Returns the columns from password to has_second_factor. Who never signed in has none."""
        if not seen:
            return self.no_password(), "0", "0"
        factor = boolean_text(self.bits(7) == 0)
        return self.unknown_password(), boolean_text(must_change), factor

    def no_password(self) -> str:
        return f"!{self.bits(160):040x}"  # as make_password(None) writes it

    def unknown_password(self) -> str:
        return password_hash(self.bits(384))

    def moment_after(self, start: int, length: int) -> int:
        """Returns a random moment of a period, which ends with the history at the latest."""
        room = min(length, HISTORY_MICROSECONDS - start)
        return start + 1 + (room * self.bits(16) >> 16)

    def date_joined(self, number: int) -> int:
        """Returns the date joined: it rises with the id, out of order by up to three days, with
        more accounts in each year than in the one before.

        One in 32 accounts joined at midnight, as imported ones do.
        """
        share = (number + 1) / self.accounts
        joined = max(0, int(HISTORY_MICROSECONDS * share**0.625) - self.bits(38))
        if self.bits(5) == 0:
            joined = self.clock.midnight(joined)
        return joined

    def date_verified(
        self, joined: int, limit: int, has_email: bool = True, *, ever: bool = False
    ) -> str | None:
        """Returns a moment of the first 71 minutes, but before `limit`; null for one in eight,
        unless `ever`.
        """
        if not has_email or not (ever or self.bits(10) < 900):
            return self.null
        room = min(1 << 32, limit - joined)
        return self.clock.text(joined + (room * self.bits(16) >> 16))

    def last_seen(self, since: int, limit: int, *, ever: bool = False) -> int:
        """Returns when an account was last seen between two moments, mostly shortly before
        `limit`; NEVER for one in five, unless `ever`.
        """
        if not ever and self.bits(10) < 190:
            return NEVER
        share = ((self.bits(16) + 1) / 65537) ** 3
        return limit - max(1, int((limit - since) * share))

    def end_of_suspension(self, changed: int) -> str | None:
        """Returns null, or midnight of a day one to ten weeks after the change."""
        if self.bits(1):
            return self.null
        days = 7 + self.bits(6)
        return self.clock.text(self.clock.midnight(changed + DAY_MICROSECONDS * days))

    def end_of_validity(self, joined: int) -> int:
        """Returns midnight of a day 90 to 601 days after the account joined, or after today."""
        start = joined if self.bits(1) else HISTORY_MICROSECONDS
        return self.clock.midnight(start + DAY_MICROSECONDS * (90 + self.bits(9)))


def boolean_text(value: bool) -> str:
    """Returns a boolean as both databases read it."""
    return "1" if value else "0"


def password_hash(number: int) -> str:
    """Returns a stored password of 384 random bits: a digest that no known password has.

    Nothing is hashed, so it costs a microsecond. The last letter of each part may have few bits.
    """
    letters = b64encode(number.to_bytes(48)).decode()
    return f"{PASSWORD_PREFIX}{letters[:21]}A${letters[21:63]}A"
