"""The first roles: groups that a migration makes. Afterwards they belong to the people who run
Rollcall.
"""

VIEWER = ["view_user", "reveal_personal"]
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
]
ROLES = {
    "Viewer": VIEWER,
    "Support": SUPPORT,
    "Manager": MANAGER,
    "Auditor": [*VIEWER, "view_personal", "view_auditevent", "view_job", "export_user"],
    "Administrator": [
        *MANAGER,
        "assign_roles",
        "manage_staff",
        "view_caching",
        "reset_second_factor",
        "erase_user",
        "reveal_without_reason",
    ],
}


def make_roles(apps) -> None:
    """Makes the groups with their permissions. `apps`: the migration's."""
    make_permissions(apps)
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    for name, codenames in ROLES.items():
        group, created = group_model.objects.get_or_create(name=name)
        if created:
            group.permissions.set(
                permission_model.objects.filter(
                    content_type__app_label="users", codename__in=codenames
                )
            )


def grant(apps, codename: str) -> None:
    """Gives a permission that is new to those of the first roles that have it above, where they are
    still there.
    """
    make_permissions(apps)
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="users", codename=codename
    )
    names = [name for name, codenames in ROLES.items() if codename in codenames]
    for group in apps.get_model("auth", "Group").objects.filter(name__in=names):
        group.permissions.add(permission)


def make_permissions(apps) -> None:
    """Django makes them only after all migrations."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.contenttypes.models import ContentType

    config = apps.get_app_config("users")
    module = getattr(config, "models_module", None)
    config.models_module = (
        True  # create_permissions skips an app without one, and a migration's has none
    )
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = module
    ContentType.objects.clear_cache()
