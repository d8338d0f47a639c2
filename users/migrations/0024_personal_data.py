"""The rights to see addresses and phone numbers, and to have them revealed."""

from django.db import migrations

from users.staff.roles import grant

NEW = ("view_personal", "reveal_personal", "reveal_without_reason")


def grant_new(apps, schema_editor):
    for codename in NEW:
        grant(apps, codename)


class Migration(migrations.Migration):
    dependencies = [("users", "0023_bulk")]
    operations = [
        migrations.AlterModelOptions(
            "user",
            {
                "default_permissions": (),
                "verbose_name": "account",
                "permissions": [
                    ("view_user", "Can see accounts"),
                    ("invite_user", "Can invite people"),
                    ("view_personal", "Can see addresses and phone numbers"),
                    ("reveal_personal", "Can reveal those of one account, which leaves an event"),
                    ("reveal_without_reason", "Need not say why when revealing"),
                    ("edit_user", "Can edit profiles"),
                    ("suspend_user", "Can suspend accounts"),
                    ("reinstate_user", "Can reinstate accounts"),
                    ("assign_roles", "Can grant and take roles"),
                    ("change_groups", "Can add accounts to groups and remove them"),
                    ("set_end_date", "Can set and clear end dates"),
                    ("delete_user", "Can delete accounts into the recycle bin"),
                    ("restore_user", "Can restore deleted accounts"),
                    ("reset_password", "Can send password resets"),
                    ("require_password_change", "Can require a password change"),
                    ("verify_email", "Can verify addresses and send verification mails"),
                    ("reset_second_factor", "Can reset second factors"),
                    ("manage_staff", "Can act on staff accounts"),
                ],
            },
        ),
        migrations.RunPython(grant_new, migrations.RunPython.noop),
    ]
