"""The newest events about one account, and its refused attempts."""

import pytest

from tests.plans import assert_no_sort, plans
from users.audit.account_events import ACCOUNT_EVENTS, ACCOUNT_REFUSALS
from users.audit.models import AuditEvent
from users.audit.record import build_event


@pytest.mark.parametrize(
    ("query", "action", "index"),
    [
        (ACCOUNT_EVENTS, "denied", "audit_history_by_target"),
        (ACCOUNT_REFUSALS, "account.edited", "audit_refused_by_target"),
    ],
    ids=["history", "refusals"],
)
@pytest.mark.django_db
def test_an_account_page_does_not_read_what_it_leaves_out(query, action, index):
    """Anybody can try what they may not as often as they like."""
    events = [build_event(action, actor=None) for _ in range(3000)]
    for event in events:
        event.target_id = 1
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    [plan] = plans(lambda: query.rows(1))
    assert index in plan
    assert_no_sort(plan)
