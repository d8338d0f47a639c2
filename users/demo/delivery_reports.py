"""Writes what followed from the provider's reports about demo emails: an account whose address
bounces, one that no longer accepts announcements, and the suppression of both addresses.
"""

from datetime import datetime

from users.audit.models import AuditEvent
from users.audit.record import build_event
from users.mail.models import Message, Suppression
from users.mail.suppressions import (
    NewSuppression,
    address_digest,
    new_row,
    suppression_event,
)
from users.mail.unsubscription import CONSENT_FIELD

Source = Suppression.Source
SOURCES = {
    Message.Fate.BOUNCED: (Source.INVALID, "Postmark reported a hard bounce."),
    Message.Fate.COMPLAINED: (Source.COMPLAINT, "Postmark reported a spam complaint."),
}


def write_reports(messages: list[Message]) -> list[AuditEvent]:
    """Writes the rows of bounced and reported messages. Returns their events, which are not
    stored.
    """
    events = []
    for message in messages:
        if message.fate in SOURCES and message.fate_at:
            for event in report_events(message, message.fate_at):
                event.at = message.fate_at
                events.append(event)
    return events


def report_events(message: Message, at: datetime) -> list[AuditEvent]:
    """Changes the account and suppresses its address. Returns the events of both."""
    changed = apply_demo_fate(message, at)
    source, reason = SOURCES[Message.Fate(message.fate)]
    entry = NewSuppression(address=message.to, reason=reason)
    row = new_row(address_digest(message.to), entry, source, None)
    row.account_id = message.account_id
    row.created_at = at
    row.save()
    account = message.account
    return [changed, suppression_event("suppression.added", row, account, None, reason)]


def apply_demo_fate(message: Message, at: datetime) -> AuditEvent:
    """Marks the address as bounced, or withdraws the consent. Returns the event of the change."""
    account = message.account
    account.version += 1
    if message.fate == Message.Fate.BOUNCED:
        account.email_bounced_at = at
        event = build_event(
            "account.email_bounced",
            actor=None,
            target=account,
            before={"email_bounced_at": None},
            after={"email_bounced_at": at},
        )
    else:
        account.accepts_announcements = False
        event = build_event(
            "account.consent_withdrawn",
            actor=None,
            target=account,
            before={CONSENT_FIELD: True},
            after={CONSENT_FIELD: False},
            reason="Reported as spam.",
        )
    account.updated_at = at
    account.save(update_fields=["version", "updated_at", "email_bounced_at", CONSENT_FIELD])
    return event
