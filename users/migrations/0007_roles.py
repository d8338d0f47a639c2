"""The first roles, as groups. Their permissions come after the migrations: users/access_setup.py."""

from django.db import migrations

ROLES = ["Viewer", "Support", "Manager", "Auditor", "Administrator"]


def make_roles(apps, schema_editor):
    """Makes the groups. A group that exists stays as it is."""
    group_model = apps.get_model("auth", "Group")
    for name in ROLES:
        group_model.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("users", "0006_directory"),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
