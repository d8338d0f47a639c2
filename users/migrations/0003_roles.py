"""The first roles, as groups."""

from django.db import migrations

from users.staff.roles import make_roles


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0002_database_rules"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: make_roles(apps), migrations.RunPython.noop
        )
    ]
