"""The events on the page of an account: the newest ones, and how many attempts were refused."""

from users.audit.models import DENIED, AuditEvent
from users.database.cached_query import CachedQuery
from users.web.paging import IdPage

ACCOUNT_SIZE = 20  # events on the page of an account
CHAIN_COLUMNS = ("chain_salt", "chain_previous", "chain_hash", "target_digest", "actor_digest")
REFUSALS_CAP = 99

ACCOUNT_EVENTS = CachedQuery(
    AuditEvent,
    lambda pk: AuditEvent.objects.history_of(pk).defer(*CHAIN_COLUMNS)[: ACCOUNT_SIZE + 1],
)

ACCOUNT_REFUSALS = CachedQuery(
    AuditEvent,
    lambda pk: (
        AuditEvent.objects.newest_of("target_id", pk)
        .filter(action=DENIED)
        .only("pk")[: REFUSALS_CAP + 1]
    ),
)


def account_events(account_id: int) -> IdPage[AuditEvent]:
    """Returns the newest events about one account, without refused attempts."""
    return IdPage.cut(ACCOUNT_EVENTS.objects(account_id), ACCOUNT_SIZE)


def refused_attempts(account_id: int, shown: IdPage[AuditEvent]) -> int:
    """Returns the number of refused attempts on the account in the time of the events that are
    `shown`, up to REFUSALS_CAP + 1.
    """
    since = shown.rows[-1].pk if shown.has_next else 0
    return sum(pk > since for pk, *_ in ACCOUNT_REFUSALS.rows(account_id))
