"""The areas into which the pages of roles divide the permissions."""

from collections.abc import Iterable

from users.access_setup import DECLARED_PERMISSIONS

# The codenames of each area, by its label.
AREAS = {
    "Personal data": (
        "view_user",
        "view_personal",
        "reveal_personal",
        "reveal_without_reason",
    ),
    "Accounts": (
        "invite_user",
        "edit_user",
        "verify_email",
        "suspend_user",
        "reinstate_user",
        "set_end_date",
        "delete_user",
        "restore_user",
        "erase_user",
    ),
    "Sign-in": (
        "reset_password",
        "require_password_change",
        "reset_second_factor",
        "end_sessions",
        "end_lockout",
    ),
    "Notes and emails": (
        "add_note",
        "pin_note",
        "write_mail",
        "send_campaigns",
        "manage_suppressions",
    ),
    "Files and jobs": (
        "export_user",
        "view_exports",
        "export_hashes",
        "import_user",
        "import_passwords",
        "view_job",
        "control_job",
        "approve_bulk",
        "share_view",
    ),
    "Staff and roles": (
        "manage_staff",
        "view_roles",
        "request_role",
        "approve_role",
        "change_groups",
        "assign_roles",
        "manage_roles",
    ),
    "Programs": (
        "create_token",
        "manage_tokens",
        "manage_services",
        "view_webhooks",
        "manage_webhooks",
    ),
    "Oversight": ("view_auditevent", "view_status"),
}
OTHER = "Other"


def permissions_by_area(codenames: Iterable[str]) -> dict[str, list[str]]:
    """Returns the declared ones among the permissions by area, in the order of the areas. Those
    without an area come last, under OTHER.
    """
    wanted = set(codenames)
    found = {}
    rest = [name for name in DECLARED_PERMISSIONS if name in wanted]
    for area, names in AREAS.items():
        if chosen := [name for name in names if name in rest]:
            found[area] = chosen
            rest = [name for name in rest if name not in chosen]
    return found | {OTHER: rest} if rest else found
