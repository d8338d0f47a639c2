"""The permissions that a migration leaves behind, and who has them."""

import pytest
from django.contrib.auth.models import Group, Permission

from tests.roles import ROLES
from users import access, access_setup
from users.access_setup import (
    DECLARED_PERMISSIONS,
    create_declared_permissions,
    declare_permission,
)

pytestmark = pytest.mark.django_db
# Codename: model of the content type, label.
LABELS = {
    "view_auditevent": ("auditevent", "Can see the audit trail"),
    "export_user": ("export", "Can export accounts to files"),
    "import_user": ("importfile", "Can import accounts from files"),
    "import_passwords": ("importfile", "Can set first passwords of existing accounts by imports"),
    "export_hashes": ("export", "Can export archives with password hashes"),
    "view_exports": ("export", "Can see everyone’s exports"),
    "view_status": ("generation", "Can see the Status page"),
    "approve_bulk": ("job", "Can approve other people’s large jobs"),
    "control_job": ("job", "Can pause, resume and cancel everyone’s jobs"),
    "view_job": ("job", "Can see everyone’s jobs"),
    "send_campaigns": ("campaign", "Can send campaigns"),
    "manage_suppressions": ("suppression", "Can suppress addresses and lift suppressions"),
    "write_mail": ("letter", "Can send emails to people"),
    "add_note": ("note", "Can write notes about accounts"),
    "pin_note": ("note", "Can pin notes"),
    "erase_user": ("reservation", "Can erase accounts permanently"),
    "share_view": ("savedview", "Can share saved views"),
    "end_sessions": ("session", "Can end sessions"),
    "end_lockout": ("signinevent", "Can unlock accounts"),
    "assign_roles": ("user", "Can change back-office access and roles"),
    "change_groups": ("user", "Can add and remove roles"),
    "delete_user": ("user", "Can delete accounts"),
    "edit_user": ("user", "Can edit profiles"),
    "invite_user": ("user", "Can invite people"),
    "manage_staff": ("user", "Can manage staff accounts"),
    "reinstate_user": ("user", "Can reinstate accounts"),
    "require_password_change": ("user", "Can require a password change"),
    "reset_password": ("user", "Can send password resets"),
    "reset_second_factor": ("user", "Can reset second factors"),
    "restore_user": ("user", "Can restore deleted accounts"),
    "reveal_personal": ("user", "Can reveal masked addresses and phone numbers (logged)"),
    "reveal_without_reason": ("user", "Can reveal without giving a reason"),
    "set_end_date": ("user", "Can set and clear end dates"),
    "suspend_user": ("user", "Can suspend accounts"),
    "verify_email": ("user", "Can verify email addresses and send verification emails"),
    "view_personal": ("user", "Can see email addresses and phone numbers"),
    "view_user": ("user", "Can see accounts"),
    "view_roles": ("user", "Can see who has which role"),
    "request_role": ("user", "Can request a role for a time"),
    "approve_role": ("user", "Can approve role requests"),
    "manage_roles": ("user", "Can create, change and delete roles"),
    "create_token": ("user", "Can create API tokens"),
    "manage_tokens": ("user", "Can see and revoke everyone’s API tokens"),
    "manage_services": ("user", "Can manage service accounts and their tokens"),
    "view_webhooks": ("webhooksubscription", "Can see webhooks and their deliveries"),
    "manage_webhooks": ("webhooksubscription", "Can create, change and delete webhooks"),
}


def permissions_of(role: str) -> set[str]:
    return set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))


def test_a_new_installation_has_these_permissions_and_no_others():
    rows = Permission.objects.filter(content_type__app_label="users")
    found = {row.codename: (row.content_type.model, row.name) for row in rows}
    assert found == LABELS


def test_a_new_installation_has_these_roles_and_no_others():
    found = {group.name: permissions_of(group.name) for group in Group.objects.all()}
    assert found == {role: set(codenames) for role, codenames in ROLES.items()}


def test_every_permission_that_the_gate_asks_for_is_declared():
    asked = {*access.PERMISSIONS.values(), access.MANAGE_STAFF, access.REVEAL_WITHOUT_REASON}
    assert asked == {f"users.{codename}" for codename in DECLARED_PERMISSIONS}


def test_a_new_permission_is_created_and_granted_to_its_roles_once(monkeypatch):
    monkeypatch.setattr(access_setup, "DECLARED_PERMISSIONS", dict(DECLARED_PERMISSIONS))
    Group.objects.get(name="Manager").delete()
    declare_permission("juggle", label="Can juggle", roles=("Support", "Manager"))
    create_declared_permissions()
    assert Permission.objects.get(codename="juggle").name == "Can juggle"
    assert "juggle" in permissions_of("Support")
    assert "juggle" not in permissions_of("Viewer") | permissions_of("Administrator")
    assert not Group.objects.filter(name="Manager").exists()
    Group.objects.get(name="Support").permissions.clear()
    create_declared_permissions()
    assert permissions_of("Support") == set()


def test_a_permission_whose_label_has_changed_is_renamed():
    erase = Permission.objects.filter(codename="erase_user")
    erase.update(name="Can erase accounts for good")
    create_declared_permissions()
    assert erase.get().name == "Can erase accounts permanently"


def test_a_permission_whose_codename_has_changed_stays_with_those_who_have_it():
    permission = Permission.objects.get(codename="view_status")
    Group.objects.get(name="Auditor").permissions.add(permission)
    Group.objects.get(name="Administrator").permissions.remove(permission)
    Permission.objects.filter(pk=permission.pk).update(codename="view_caching")
    create_declared_permissions()
    assert Permission.objects.get(codename="view_status").pk == permission.pk
    assert "view_status" in permissions_of("Auditor")
    assert "view_status" not in permissions_of("Administrator")


def test_a_change_that_operators_made_to_a_role_is_not_undone():
    support = Group.objects.get(name="Support")
    support.permissions.remove(Permission.objects.get(codename="edit_user"))
    support.permissions.add(Permission.objects.get(codename="erase_user"))
    before = permissions_of("Support")
    create_declared_permissions()
    assert permissions_of("Support") == before


def test_every_permission_completes_a_sentence():
    """The label says what its holders can do, and a refusal what others can't."""
    for name, declared in access_setup.DECLARED_PERMISSIONS.items():
        assert declared.label.startswith("Can ")
        can = access_setup.ability(f"users.{name}")
        assert can[0].islower()
        assert "(" not in can
    assert access_setup.ability("users.reveal_personal") == (
        "reveal masked addresses and phone numbers"
    )
    assert access_setup.ability("auth.add_user") == "use the permission “auth.add_user”"
