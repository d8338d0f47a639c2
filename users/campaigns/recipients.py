"""Which accounts get an announcement, and why the others don't."""

from collections.abc import Iterable

from django.db.models import Q

from users.mail.models import Message
from users.mail.suppressions import address_digest, suppressed_digests
from users.verbs.obstacles import DELETED_OBSTACLES, NO_ADDRESS, Obstacle

SUPPRESSED = "This address is on the suppression list."
CAMPAIGN_CANCELLED = "The campaign was cancelled."
# Suppressed addresses are not among them: the database holds digests of these alone.
ANNOUNCEMENT_OBSTACLES = (
    *DELETED_OBSTACLES,
    NO_ADDRESS,
    Obstacle(
        sentence="This person does not accept announcements.",
        blocks=lambda account: not account.accepts_announcements,
        condition=lambda now: Q(accepts_announcements=False),
    ),
    Obstacle(
        sentence="This address is not verified and may belong to someone else.",
        blocks=lambda account: account.email_verified_at is None,
        condition=lambda now: Q(email_verified_at=None),
    ),
    Obstacle(
        sentence="Emails to this address bounce.",
        blocks=lambda account: account.email_bounced_at is not None,
        condition=lambda now: Q(email_bounced_at__isnull=False),
    ),
)


def suppressed_addresses(addresses: Iterable[str]) -> set[str]:
    """Returns those of the addresses that get no announcements, with one query."""
    listed = list(addresses)
    digests = suppressed_digests(listed, Message.Kind.ANNOUNCEMENT)
    if not digests:
        return set()
    return {address for address in listed if address_digest(address) in digests}
