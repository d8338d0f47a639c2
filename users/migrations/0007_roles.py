"""The first roles, as groups. Afterwards they belong to the people who run Rollcall."""

from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.models import ContentType
from django.db import migrations

VIEWER = [
    "view_user",
    "reveal_personal",
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
]
AUDITOR = [
    *VIEWER,
    "view_personal",
    "view_auditevent",
    "view_job",
    "export_user",
]
ADMINISTRATOR = [
    *MANAGER,
    "assign_roles",
    "manage_staff",
    "view_caching",
    "reset_second_factor",
    "erase_user",
    "reveal_without_reason",
]
ROLES = {
    "Viewer": VIEWER,
    "Support": SUPPORT,
    "Manager": MANAGER,
    "Auditor": AUDITOR,
    "Administrator": ADMINISTRATOR,
}


def make_roles(apps, schema_editor):
    """Makes the groups with their permissions. A group that exists stays as it is."""
    make_permissions(apps)
    group_model = apps.get_model("auth", "Group")
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="users"
    )
    for name, codenames in ROLES.items():
        group, created = group_model.objects.get_or_create(name=name)
        if created:
            group.permissions.set(permissions.filter(codename__in=codenames))


def make_permissions(apps):
    """Makes the permissions now: Django makes them only after all migrations."""
    config = apps.get_app_config("users")
    module = getattr(config, "models_module", None)
    # create_permissions skips an app without a module of models, and a migration's has none.
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = module
    ContentType.objects.clear_cache()


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0006_directory"),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
