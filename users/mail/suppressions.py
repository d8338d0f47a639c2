"""Suppressed addresses: which emails they do not get, and how they are added and lifted.

The table holds a keyed digest of each address, so it survives the erasure of a person and a copy of
it names nobody. Whoever has an address can ask for it; nobody can list the addresses.
"""

import hmac
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from users import access
from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.database.clock import current_time
from users.email_addresses import email_key, smtp_address
from users.mail.models import Message, Suppression
from users.models import User

Source = Suppression.Source
# The suppressions that an email of each kind respects.
#
# Announcements go to those who want them and whom they reach, so any suppression stops them.
# An email from staff is written by one person to another. Whoever unsubscribed from announcements
# still expects it. Whoever reported an email as spam does not want to hear from us, and further
# reports would harm the delivery of everyone's emails.
# All other kinds are about the security of an account or were requested by its owner. They must
# not fail because someone once reported a newsletter, so only an address that does not exist stops
# them: sending there again and again would harm the delivery to others.
RESPECTED_SOURCES: dict[str, frozenset[Source]] = {
    Message.Kind.ANNOUNCEMENT: frozenset(Source),
    Message.Kind.LETTER: frozenset({Source.INVALID, Source.COMPLAINT}),
}
SECURITY_SOURCES = frozenset({Source.INVALID})
# What an address does not get any more.
BLOCKED_EMAILS = {
    Source.INVALID: "no emails",
    Source.COMPLAINT: "no announcements and no emails from staff",
}
BLOCKED_OTHERWISE = "no announcements"


@dataclass(frozen=True)
class NewSuppression:
    """An address to suppress. `until`: when the suppression ends; None: never."""

    address: str
    reason: str = ""
    until: datetime | None = None


def respected_sources(kind: str) -> frozenset[Source]:
    """Returns the suppressions that keep an email of `kind` from being sent."""
    return RESPECTED_SOURCES.get(kind, SECURITY_SOURCES)


@lru_cache(maxsize=8)
def suppression_key(secret: str) -> bytes:
    return sha256(b"users.suppression" + secret.encode()).digest()


def address_digest(address: str, secret: str = "") -> str:
    """Returns the digest of an address. Spellings of one mailbox have one digest."""
    key = suppression_key(secret or settings.SECRET_KEY)
    return hmac.digest(key, email_key(address).encode(), "sha256").hex()


def current_digests(addresses: Iterable[str]) -> dict[str, str]:
    """Returns the digest of each address by the digests that the table may hold for it.

    A suppression made with an earlier SECRET_KEY counts while that key is among the fallbacks.
    """
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    known: dict[str, str] = {}
    for address in filter(None, set(addresses)):
        digests = [address_digest(address, secret) for secret in secrets]
        known |= dict.fromkeys(digests, digests[0])
    return known


def active_suppressions() -> QuerySet[Suppression]:
    return Suppression.objects.filter(Q(until=None) | Q(until__gt=current_time()))


def suppressed_digests(addresses: Iterable[str], kind: str) -> set[str]:
    """Returns the digests of those addresses that get no email of `kind`, in one query."""
    known = current_digests(addresses)
    found = active_suppressions().filter(
        digest__among=list(known), source__in=respected_sources(kind)
    )
    return {known[digest] for digest in found.values_list("digest", flat=True)}


def address_suppressions(address: str) -> list[Suppression]:
    """Returns the active suppressions of one address, newest first."""
    found = active_suppressions().filter(digest__among=list(current_digests([address])))
    return list(found.order_by("-pk"))


def load_suppressions(messages: Iterable[Message]) -> None:
    """Reads the suppressions of a batch of messages in one query, for `suppression_reason`."""
    batch = list(messages)
    known = current_digests(message.to for message in batch)
    found = active_suppressions().filter(digest__among=list(known)).order_by("-pk")
    by_digest: dict[str, list[Suppression]] = {}
    for suppression in found:
        by_digest.setdefault(known[suppression.digest], []).append(suppression)
    for message in batch:
        digest = address_digest(message.to)
        message.suppressions = by_digest.get(digest, [])  # type: ignore[attr-defined]


def suppression_reason(message: Message) -> str:
    """Returns why the address of a message gets no email of its kind; "" if it does."""
    found = getattr(message, "suppressions", None)
    if found is None:
        found = address_suppressions(message.to)
    respected = respected_sources(message.kind)
    return next((describe_suppression(each) for each in found if each.source in respected), "")


def describe_suppression(suppression: Suppression) -> str:
    """Returns a sentence: "This address gets no announcements: unsubscribed on 3 May 2026." """
    source = Source(suppression.source)
    blocked = BLOCKED_EMAILS.get(source, BLOCKED_OTHERWISE)
    day = f"{suppression.created_at:%-d %b %Y}"
    return f"This address gets {blocked}: {source.label.lower()} on {day}."


def suppress_address(
    address: str, source: Source, reason: str = "", until: datetime | None = None, by: Any = None
) -> bool:
    """Suppresses one address. Returns whether it was not suppressed like this before.

    `by`: the person who does it; None for Rollcall itself.
    """
    entry = NewSuppression(
        address=address,
        reason=reason,
        until=until,
    )
    return bool(suppress_addresses([entry], source, by=by))


def suppress_addresses(
    entries: Iterable[NewSuppression], source: Source, *, by: Any = None
) -> set[str]:
    """Suppresses the addresses, and returns the digests of those that were not suppressed at least
    as long from this source. Each has an event, with the account that has the address now.
    """
    if by is not None:
        access.require(by, "manage_suppressions")
    wanted = entries_by_digest(entries)
    with transaction.atomic():
        known, outlasted = compare_stored(wanted, source)
        Suppression.objects.filter(pk__among=outlasted).delete()
        holders = address_holders(entry.address for entry in wanted.values())
        update_holders(known, wanted, holders)
        wanted = {digest: wanted[digest] for digest in wanted.keys() - known}
        rows = []
        events = []
        for digest, entry in wanted.items():
            row = new_row(digest, entry, source, by)
            holder = holders.get(email_key(entry.address))
            row.account_id = holder.pk if holder else None
            rows.append(row)
            events.append(suppression_event("suppression.added", row, holder, by, row.reason))
        Suppression.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        AuditEvent.objects.bulk_create(events, batch_size=1000)
    return set(wanted)


def entries_by_digest(entries: Iterable[NewSuppression]) -> dict[str, NewSuppression]:
    return {address_digest(entry.address): entry for entry in entries if entry.address}


def count_known(entries: Iterable[NewSuppression], source: Source) -> int:
    """Returns how many of the addresses are suppressed at least as long already."""
    with transaction.atomic():
        return len(compare_stored(entries_by_digest(entries), source)[0])


def compare_stored(
    wanted: dict[str, NewSuppression], source: Source
) -> tuple[dict[str, Suppression], list[int]]:
    """Returns the rows that last at least as long already, by digest, and the ids of those that end
    earlier. Locks the rows.
    """
    current = current_digests(entry.address for entry in wanted.values())
    found = Suppression.objects.filter(digest__among=list(current), source=source)
    known = {}
    outlasted = []
    for row in found.order_by("pk").select_for_update():
        digest = current[row.digest]
        if outlasts(row.until, wanted[digest].until):
            known[digest] = row
        else:
            outlasted.append(row.pk)
    return known, outlasted


def update_holders(
    known: dict[str, Suppression], wanted: dict[str, NewSuppression], holders: dict[str, User]
) -> None:
    """Names the account that has the address now in rows that were added for another one: who lifts
    such a row needs permission to change this account, and its bounce is cleared.
    """
    changed = []
    for digest, row in known.items():
        holder = holders.get(email_key(wanted[digest].address))
        if holder and row.account_id != holder.pk:
            row.account_id = holder.pk
            changed.append(row)
    Suppression.objects.bulk_update(changed, ["account_id"], batch_size=1000)


def outlasts(until: datetime | None, other: datetime | None) -> bool:
    """Returns whether a suppression until the one time ends no earlier than the other."""
    if until is None or other is None:
        return until is None
    return until >= other and until > current_time()


def new_row(digest: str, entry: NewSuppression, source: Source, by: Any) -> Suppression:
    """Returns an unsaved suppression, whose reason does not name the address."""
    return Suppression(
        digest=digest,
        source=source,
        reason=without_address(entry.reason, entry.address),
        until=entry.until,
        created_by_id=getattr(by, "pk", None),
    )


def without_address(text: str, address: str) -> str:
    """Returns a text, such as a mail server's reply, without the address."""
    spellings = {address, email_key(address)}
    with suppress(ValidationError):
        spellings.add(smtp_address(address))
    for spelling in spellings:
        text = re.sub(re.escape(spelling), "…", text, flags=re.IGNORECASE)
    return text


def address_holders(addresses: Iterable[str]) -> dict[str, User]:
    """Returns the accounts that have these addresses, by the key of the address."""
    keys = [email_key(address) for address in addresses]
    accounts = User.objects.filter(email__lower__among=keys).only("email", "username", "version")
    return {email_key(account.email): account for account in accounts}


def suppression_event(
    action: str,
    row: Suppression,
    account: User | None,
    by: Any,
    reason: str,
    *,
    bounced_at: datetime | None = None,
) -> AuditEvent:
    """Returns the unsaved event about a suppression, which has the digest and no address.

    `bounced_at`: the mark of a bounce that lifting the suppression has removed from the account.
    """
    values = {
        "suppression": row.source,
        "digest": row.digest,
        "until": row.until,
    }
    is_new = action == "suppression.added"
    before, after = ({}, values) if is_new else (values, {})
    if bounced_at:
        before["email_bounced_at"] = bounced_at
        after["email_bounced_at"] = None
    return build_event(
        action,
        actor=by,
        target=account,
        before=before,
        after=after,
        reason=reason,
    )


def holder_of(suppression: Suppression, *, lock: bool = False) -> User | None:
    """Returns the account of a suppression if it still has the address."""
    accounts = User.objects.filter(pk=suppression.account_id)
    if lock:
        accounts = accounts.select_for_update(of=("self",))
    account = accounts.first()
    is_same = account and suppression.digest in current_digests([account.email])
    return account if is_same else None


def lift_suppression(suppression: Suppression, *, by: Any, reason: str) -> bool:
    """Removes a suppression, and returns whether it was still there. Requires permission to change
    the account that has the address.
    """
    access.require(by, "manage_suppressions", holder_of(suppression))
    return remove_suppression(suppression, by=by, reason=reason)


def lift_unsubscribed(account: User) -> None:
    """Lifts what unsubscribing has left, if the owner of the verified address wants announcements
    again.
    """
    if not (account.accepts_announcements and account.email_verified_at):
        return
    for suppression in address_suppressions(account.email):
        if suppression.source == Source.UNSUBSCRIBED:
            remove_suppression(suppression, by=account, reason="")


def remove_suppression(suppression: Suppression, *, by: Any, reason: str) -> bool:
    """Removes a suppression, with an event. A lifted bounce lets emails be tried again, which the
    account's mark would stop.
    """
    with transaction.atomic():
        # Bounces and unsubscribing lock the account before the suppression, too.
        holder = holder_of(suppression, lock=True)
        removed, _ = Suppression.objects.filter(pk=suppression.pk).delete()
        if not removed:
            return False
        bounced_at = None
        if holder and suppression.source == Source.INVALID:
            bounced_at = clear_bounce(holder)
        event = suppression_event(
            "suppression.lifted",
            suppression,
            holder,
            by,
            reason,
            bounced_at=bounced_at,
        )
        event.save()
    return True


def clear_bounce(account: User) -> datetime | None:
    """Removes the mark of a bounce from a locked account. Returns when it bounced."""
    bounced_at: datetime | None = account.email_bounced_at
    if bounced_at:
        account.email_bounced_at = None
        account.version += 1
        account.updated_at = current_time()
        account.save(update_fields=["email_bounced_at", "version", "updated_at"])
    return bounced_at
