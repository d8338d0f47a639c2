"""Events that somebody else has inserted: whatever they hold, nothing stops at them."""

import json

import pytest
from django.db import connection

from tests.builders import make_user
from tests.bulk.running import work
from users.audit.actions import ACTION_LABELS
from users.audit.feeds.ocsf import ocsf_event
from users.audit.former_backfill import record_missing_values
from users.audit.models import AuditEvent
from users.audit.tasks import seal_audit_chain
from users.audit.trail.blocks import build_blocks
from users.audit.verification.chain_check import verify_chain
from users.dashboard.rollups import rebuild_rollups
from users.evidence.export_job import start_event_export
from users.models import User
from users.webhooks.kinds import kind_of_event
from users.webhooks.payloads import payload_values

pytestmark = pytest.mark.django_db
# What somewhere in the code has a meaning.
FIELDS = (
    "action",
    "attributes",
    "before",
    "email",
    "events",
    "fields",
    "first_name",
    "groups",
    "hash",
    "ids",
    "is_superuser",
    "job",
    "kind",
    "newest_id",
    "origin",
    "permission",
    "position",
    "previous_origin",
    "session",
    "status",
    "suspended_until",
    "table",
    "username",
)
# As text: 1e400 is a number without a form in Python.
VALUES = (
    "5",
    "1e400",
    '"2026-13-45T25:61:61Z"',
    '"\\u202e<b>"',
    "[]",
    '[["x", "target", 5], 5]',
    '{"a": [{"b": null}]}',
    "true",
    "null",
)
ACTIONS = (*sorted(ACTION_LABELS), "denied", "nobody.knows.it", "")
INSERT = """
    INSERT INTO users_auditevent
        (at, actor_text, action, target_id, target_text, before, after,
        reason, ticket, user_agent, request_id)
    VALUES (CURRENT_TIMESTAMP, 'x', %s, %s, '', %s, %s, '', '', '', '')
"""


def insert_all(account: User, values: tuple[str, ...]) -> None:
    """Inserts an event of each action with each of the values in all fields."""
    rows = []
    for action in ACTIONS:
        for value in values:
            content = f"{{{', '.join(f'{json.dumps(name)}: {value}' for name in FIELDS)}}}"
            rows.append((action, account.pk, "{}" if value == "5" else content, content))
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)


def test_pages_show_whatever_events_hold(client):
    ada = make_user(username="ada")
    insert_all(ada, VALUES)
    client.force_login(make_user("Administrator"))
    url = "/audit/"
    number = 0
    while url:
        response = client.get(url)
        assert response.status_code == 200, url
        found = response.context["page"]
        number += len(found.rows)
        url = f"/audit/?after={found.older}" if found.older else ""
    assert number >= len(ACTIONS) * len(VALUES)
    for place, pk in enumerate(AuditEvent.objects.values_list("pk", flat=True)):
        # One value of each action, since pages take time.
        if place % len(VALUES) == place // len(VALUES) % len(VALUES):
            assert client.get(f"/audit/{pk}/").status_code == 200
    for tab in ("", "activity/", "history/?at=2026-01-01", "access/"):
        assert client.get(f"/users/{ada.pk}/{tab}").status_code == 200, tab
    for path in ("/audit/verification/", "/audit/retention/", "/users/former/?q=x"):
        assert client.get(path).status_code == 200, path


def test_nothing_that_reads_all_events_stops():
    auditor = make_user("Auditor")
    insert_all(make_user(), VALUES)
    seal_audit_chain()
    assert verify_chain().waiting == 0
    for event in AuditEvent.objects.all():
        json.dumps(ocsf_event(event))
        kind_of_event(event)
        payload_values(event, "masked")
    record_missing_values()
    rebuild_rollups(lambda text: None)
    newest = AuditEvent.objects.latest("pk").pk
    build_blocks(list(range(newest // 256 + 1)), 0)
    job = work(start_event_export("", by=auditor, file_format="csv", reason="Review"))
    assert job.state == "done"
