"""The roles of a new installation with their permissions."""

from importlib import import_module

from django.apps import apps
from django.contrib.auth.models import Permission

from users.access_setup import DECLARED_PERMISSIONS, grant_to_default_roles

MIGRATION = import_module("users.migrations.0007_roles")
VIEWER = [
    "view_user",
    "reveal_personal",
    "view_roles",
    "request_role",
]
SUPPORT = [
    *VIEWER,
    "view_personal",
    "view_job",
    "edit_user",
    "suspend_user",
    "reinstate_user",
    "reset_password",
    "require_password_change",
    "verify_email",
    "end_sessions",
    "end_lockout",
    "add_note",
    "pin_note",
    "write_mail",
]
MANAGER = [
    *SUPPORT,
    "invite_user",
    "view_auditevent",
    "share_view",
    "control_job",
    "delete_user",
    "restore_user",
    "set_end_date",
    "change_groups",
    "approve_bulk",
    "export_user",
    "import_user",
    "manage_suppressions",
    "send_campaigns",
    "create_token",
]
AUDITOR = [
    *VIEWER,
    "view_personal",
    "view_auditevent",
    "view_job",
    "export_user",
    "view_exports",
    "view_webhooks",
]
ADMINISTRATOR = [
    *MANAGER,
    "export_hashes",
    "import_passwords",
    "view_exports",
    "assign_roles",
    "manage_staff",
    "view_status",
    "reset_second_factor",
    "erase_user",
    "reveal_without_reason",
    "approve_role",
    "manage_roles",
    "manage_tokens",
    "manage_services",
    "view_webhooks",
    "manage_webhooks",
]
ROLES = {
    "Viewer": VIEWER,
    "Support": SUPPORT,
    "Manager": MANAGER,
    "Auditor": AUDITOR,
    "Administrator": ADMINISTRATOR,
}


def make_roles() -> None:
    """Creates the roles again after a flush, which restores only the permissions."""
    MIGRATION.make_roles(apps, None)
    for permission in Permission.objects.filter(content_type__app_label="users"):
        declared = DECLARED_PERMISSIONS[permission.codename]
        grant_to_default_roles(permission, declared.roles)
