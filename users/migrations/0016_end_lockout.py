from django.db import migrations

from users.staff.roles import grant


class Migration(migrations.Migration):
    dependencies = [("users", "0015_waiting_messages")]
    operations = [
        migrations.AlterModelOptions(
            "signinevent",
            {
                "default_permissions": (),
                "permissions": [("end_lockout", "Can let people try again who are locked out")],
            },
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "end_lockout"), migrations.RunPython.noop
        ),
    ]
