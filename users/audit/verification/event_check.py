"""Checks one sealed event: its place in the chain, its hash, and the values that it has lost."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db.models import Exists, Max, Min, OuterRef

from users.audit.chain import (
    PART_VALUES,
    TIME_TOLERANCE,
    EventRow,
    event_hash,
    part_digest,
    part_salt,
)
from users.audit.forgetting import ACTOR_REASON_ACTIONS
from users.audit.models import AuditEvent
from users.audit.redaction import REDACTED_ACTION as REDACTED
from users.audit.retention import RecordedRemovals
from users.audit.verification.chain_order import find_change, find_misplacement
from users.audit.verification.kinds import ChainFault, FaultKind
from users.database.clock import current_time
from users.database.erasure_rules import (
    ERASED_TEXT,
    EVENT_PARTS,
    JSON_COLUMNS,
    NON_TEXT_COLUMNS,
    SALT_HALF_SIZE,
)
from users.identifiers import LARGEST_ID
from users.models import State, User

EDITED = FaultKind.EDITED
# An erasure leaves an empty text in these, and null in the others and in each field of JSON.
TEXT_COLUMNS = {*EVENT_PARTS["target"], *EVENT_PARTS["actor"]} - {
    *NON_TEXT_COLUMNS,
    *JSON_COLUMNS,
}


def check_event(row: EventRow, position: int, previous: bytes) -> None:
    """Raises ChainFault unless the event has this position, follows the hash `previous`, and has
    the hash of its content.
    """
    if row.chain_position != position:
        raise ChainFault(
            FaultKind.MISSING,
            f"the event at position {position} is missing; "
            f"event {row.id} follows at {row.chain_position}",
        )
    name = f"event {row.id} at position {position}"
    if bytes(row.chain_previous or b"") != previous:
        raise find_misplacement(row, position, previous)
    salt = bytes(row.chain_salt or b"")
    if len(salt) != 2 * SALT_HALF_SIZE:
        raise ChainFault(EDITED, f"{name} has lost its salt")
    target, actor = (checked_digest(part, row, salt, name) for part in EVENT_PARTS)
    if bytes(row.chain_hash or b"") != event_hash(row, position, previous, target, actor):
        raise find_change(row, position, previous)


def checked_digest(part: str, row: EventRow, salt: bytes, name: str) -> bytes:
    """Returns the digest of a part: computed from its values, or the stored one if these were
    erased or redacted. Raises ChainFault if an erased part has values.
    """
    stored = getattr(row, f"{part}_digest")
    if stored is None:
        return part_digest(part, row, salt)
    if is_redacted(part, row):
        return bytes(stored)
    if has_values(part, row) or any(part_salt(part, salt)) or row.erased_at is None:
        raise ChainFault(EDITED, f"{name} was erased but contains values of its {part} again")
    return bytes(stored)


def has_values(part: str, row: EventRow) -> bool:
    """Returns whether a column of the part has another value than an erasure leaves: in JSON, null
    in each field.
    """
    for column in EVENT_PARTS[part]:
        content = getattr(row, column)
        values = content.values() if isinstance(content, dict) else [content]
        erased = "" if column in TEXT_COLUMNS else None
        if any(value != erased for value in values):
            return True
    return False


def check_erasure(
    row: EventRow, erased_until: Callable[[int], int], removals: RecordedRemovals
) -> None:
    """Raises ChainFault if values were removed although the person whom they are about was not
    erased by a later event of the chain, and no later event records that old values were removed.

    `erased_until` returns the position of the event that erased an account, 0 without one.
    """
    position = row.chain_position or 0
    name = f"event {row.id} at position {position}"
    for part, owner in part_owners(row).items():
        if not is_erased(part, row):
            continue
        if owner is None:
            raise ChainFault(EDITED, f"{name} lost its {part}, which is about no account")
        # First what needs no query: retention blanks the events of all accounts.
        if removals.finds(position, row.at):
            continue
        if erased_until(owner) <= position and not removals.covers(position, row.at):
            raise ChainFault(EDITED, f"{name} lost its {part}, but account {owner} was not erased")
    if row.erased_at and row.target_digest is None and row.actor_digest is None:
        raise ChainFault(EDITED, f"{name} is marked as erased, but has all its values")
    if row.erased_at and not is_plausible_time(row.erased_at, after=row.at):
        text = (
            f"{name} says that values were removed on {row.erased_at:%Y-%m-%d %H:%M} UTC, "
            "which is no possible time"
        )
        raise ChainFault(EDITED, text)


def is_plausible_time(moment: datetime, *, after: datetime) -> bool:
    """Returns whether a time is between `after` and now, apart from differences between clocks."""
    return moment - after > -TIME_TOLERANCE and moment - current_time() < TIME_TOLERANCE


def part_owners(row: EventRow) -> dict[str, int | None]:
    """Returns the account whose erasure removes each part, as in users/audit/forgetting.py."""
    target = row.target_id
    if target is None and row.action in ACTOR_REASON_ACTIONS:
        target = row.actor_id
    return {"target": target, "actor": row.target_id if row.actor_id is None else row.actor_id}


def erasure_position(account_id: int) -> int:
    """Returns the position of the event that erased an account; 0 if there is none, or if the row
    of the account is not erased.
    """
    if not User.objects.filter(pk=account_id, status=State.ERASED).exists():
        return 0
    events = AuditEvent.objects.filter(target_id=account_id, action="account.erased")
    return events.aggregate(last=Max("chain_position"))["last"] or 0


def is_erased(part: str, row: EventRow) -> bool:
    return getattr(row, f"{part}_digest") is not None and not is_redacted(part, row)


def is_redacted(part: str, row: EventRow) -> bool:
    """Returns whether the part was redacted. It has a new salt then; an erased part has none."""
    return getattr(row, f"{part}_digest") is not None and any(
        part_salt(part, bytes(row.chain_salt or b""))
    )


class RedactionDigests:
    """The digests of redacted parts, as sealed events of the audit trail have recorded them.

    An event counts as a record if it has the form of Rollcall's own and follows an erasure: without
    one there is nobody to remove from the texts about others.
    """

    def __init__(self) -> None:
        # The digest by id and part, with the position of its record.
        self.digests: dict[tuple[int, str], tuple[str, int]] = {}
        self.newest = 0
        self.read()

    def read(self) -> None:
        """Adds the digests since the last call. There may be redactions during the verification."""
        start = max(self.newest, first_erasure_position())
        records = AuditEvent.objects.filter(action=REDACTED, chain_position__gt=start)
        own = records.filter(
            actor_id=None,
            target_id=None,
            ip=None,
            before={},
        )
        rows = own.order_by("chain_position").values_list("chain_position", "after")
        for position, after in rows.iterator():
            self.newest = position or 0
            # An event that somebody inserted may have another form, and counts for nothing.
            with suppress(AttributeError, TypeError, ValueError):
                for pk, part, digest in after.get("events") or []:
                    self.digests[pk, part] = (digest, self.newest)

    def match(self, row: EventRow, part: str) -> bool:
        """Returns whether a later event recorded the digest of the part's current values."""
        own = part_digest(part, row, bytes(row.chain_salt or b"")).hex()
        if self.digests.get((row.id, part), ("", 0))[0] != own:
            self.read()
        digest, position = self.digests.get((row.id, part), ("", 0))
        return digest == own and position > (row.chain_position or 0)


def first_erasure_position() -> int:
    """Returns the position of the first event that erased an account which is erased; the largest
    one if there is none.
    """
    erased = User.objects.filter(pk=OuterRef("target_id"), status=State.ERASED)
    events = AuditEvent.objects.filter(Exists(erased), action="account.erased")
    return events.aggregate(first=Min("chain_position"))["first"] or LARGEST_ID


def check_redaction(row: EventRow, redactions: RedactionDigests) -> None:
    """Raises ChainFault if a redacted part differs from its recorded digest, or if no words of it
    were replaced.
    """
    for part in EVENT_PARTS:
        if not is_redacted(part, row):
            continue
        is_marked = ERASED_TEXT in str(PART_VALUES[part](row))
        if row.erased_at is None or not is_marked or not redactions.match(row, part):
            name = f"event {row.id} at position {row.chain_position}"
            raise ChainFault(
                EDITED,
                f"{name} lost words of its {part}, and the rest does not match the audit trail",
            )
