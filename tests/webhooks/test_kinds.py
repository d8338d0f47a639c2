"""Which events of the audit trail receivers can subscribe to."""

import pytest

from tests.builders import make_user
from tests.scim.builders import create_synced, make_scim
from users.audit.actions import ACTION_LABELS
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.webhooks.kinds import ACTION_KINDS, actions_of_kinds, kind_of_event

pytestmark = pytest.mark.django_db
# Events about accounts that change nothing of what receivers know.
WITHOUT_KIND = {
    "account.break_glass_used",
    "account.email_bounced",
    "account.invited_again",
    "account.lockout_ended",
    "account.oidc_linked",
    "account.oidc_unlinked",
    "account.password_rehashed",
    "account.password_reset_asked",
    "account.password_reset_sent",
    "account.revealed",
    "account.role_approved",
    "account.role_cancelled",
    "account.role_declined",
    "account.role_requested",
    "account.sudo_started",
    "account.traces_removed",
    "account.verification_sent",
    "account.written_to",
}


def test_each_event_about_an_account_has_a_kind_or_changes_nothing():
    actions = {name for name in ACTION_LABELS if name.startswith(("account.", "service."))}
    assert actions - set(ACTION_KINDS) == WITHOUT_KIND


def test_what_an_identity_provider_changes_has_the_kind_of_the_change(settings):
    settings.SCIM = type(settings.SCIM)(sets_passwords=True)
    client = make_scim()
    account = create_synced(client)
    path = f"Users/{account.pk}"
    for name, value in (("title", "Engineer"), ("password", "a long new password")):
        assert client.patch(path, {"op": "add", "path": name, "value": value}).status_code == 204
    for active in (False, True):
        client.patch(path, {"op": "replace", "path": "active", "value": active})
    client.delete(path)
    events = AuditEvent.objects.filter(target_id=account.pk).order_by("pk")
    assert list(map(kind_of_event, events)) == [
        "account.created",
        "account.changed",
        "account.credential_changed",
        "account.suspended",
        "account.reinstated",
        "account.deleted",
    ]


def test_a_password_with_other_fields_is_a_change_of_the_account():
    account = make_user()
    values = {"password": "set", "email": "ada@example.com"}
    event = record_event("account.updated_by_import", actor=None, target=account, after=values)
    assert kind_of_event(event) == "account.changed"
    assert "account.updated_by_provisioning" in actions_of_kinds(["account.credential_changed"])
