"""The form of audit events for other systems: OCSF 1.6."""

import json
from datetime import UTC, datetime

import pytest

from tests.audit.tampering import SESSION
from users.audit.actions import ACTION_LABELS
from users.audit.feeds.ocsf import ocsf_event
from users.audit.feeds.ocsf_actions import CLASS_UIDS, OCSF_ACTIONS
from users.audit.models import AuditEvent

# What the schema 1.6.0 requires of every class, and of each one that is used, with the activities
# that the class has (events/base_event.json and events/iam/ of ocsf-schema).
REQUIRED = {
    "activity_id",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "time",
    "type_uid",
}
CLASSES = {
    3001: ({"user"}, {*range(1, 13), 99}),
    # "service" or "dst_endpoint" is required.
    3002: ({"user", "service"}, {*range(1, 8), 99}),
    3004: ({"entity"}, {*range(1, 14), 99}),
    3005: ({"user", "privileges"}, {1, 2, 99}),
}
AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)


def example(action: str, **fields) -> AuditEvent:
    values = {
        "pk": 7,
        "at": AT,
        "action": action,
        "actor_id": 5,
        "actor_text": "ada",
        "chain_position": 6,
        "chain_hash": bytes(32),
    }
    return AuditEvent(**(values | fields))


def test_the_table_has_every_action_and_no_other():
    assert set(OCSF_ACTIONS) == set(ACTION_LABELS)


@pytest.mark.parametrize("about", [{}, {"target_id": 9, "target_text": "eve"}, {"target_id": 9}])
def test_every_action_has_the_required_attributes_of_its_class(about):
    for action, activity in OCSF_ACTIONS.items():
        found = ocsf_event(example(action, **about))
        required, activities = CLASSES[found["class_uid"]]
        assert REQUIRED | required <= found.keys(), action
        assert found["activity_id"] in activities, action
        assert found["class_uid"] == CLASS_UIDS[type(activity)]
        assert found["category_uid"] == 3
        assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
        assert ("activity_name" in found) == (found["activity_id"] == 99)
        assert found["metadata"].keys() >= {"version", "product"}
        for account in (found.get("user", {"uid": 1}), found["actor"]["user"]):
            assert account.keys() & {"uid", "name"}
        assert found.get("privileges", ["x"])
        json.dumps(found)


def test_an_event_has_identities_and_fields_but_neither_values_nor_reason():
    event = example(
        "account.edited",
        target_id=9,
        target_text="eve",
        before={"email": "old@example.com"},
        after={"email": "new@example.com"},
        reason="She married",
        ip="192.0.2.1",
        user_agent="Browser",
        request_id="abc",
        session_id=SESSION,
        job_id=3,
        ticket="OPS-1",
    )
    found = ocsf_event(event)
    assert found["time"] == 1772366400250
    assert found["user"] == {"uid": "9", "name": "eve"}
    assert found["actor"] == {
        "user": {"uid": "5", "name": "ada"},
        "session": {"uid": str(SESSION)},
    }
    assert found["src_endpoint"] == {"ip": "192.0.2.1"}
    assert (found["metadata"]["uid"], found["metadata"]["sequence"]) == ("7", 6)
    assert found["unmapped"] == {
        "fields": ["email"],
        "chain_hash": "00" * 32,
        "url": "http://localhost:8000/audit/7/",
        "job_id": 3,
        "ticket": "OPS-1",
    }
    sent = json.dumps(found)
    assert "married" not in sent
    assert "@example.com" not in sent


def test_roles_refusals_and_programs_are_named():
    before, after = {"groups": ["Support"]}, {"groups": ["Manager", "Support"]}
    changed = ocsf_event(example("account.groups_added", before=before, after=after))
    assert changed["privileges"] == ["Manager"]
    refused = ocsf_event(example("denied", target_id=9))
    assert (refused["status_id"], refused["severity_id"]) == (2, 3)
    assert refused["activity_name"] == "Refused"
    program = ocsf_event(example("account.changed_outside", actor_id=None, actor_text="psql"))
    assert program["actor"] == {"app_name": "psql"}
    unknown = ocsf_event(example("account.of_a_later_release"))
    assert (unknown["class_uid"], unknown["type_uid"]) == (0, 99)
