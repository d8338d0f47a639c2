"""What verbs of one account need: a place for what a restore puts back, kinds of mail, permissions."""

from django.db import migrations, models

from users.staff.roles import grant

NEW = (
    "change_groups",
    "set_end_date",
    "delete_user",
    "restore_user",
    "reset_password",
    "require_password_change",
    "verify_email",
    "reset_second_factor",
)


def grant_new(apps, schema_editor):
    for codename in NEW:
        grant(apps, codename)


class Migration(migrations.Migration):
    dependencies = [("users", "0013_notes")]
    operations = [
        # Null and without a default: ten million rows need not be rewritten.
        migrations.AddField(
            "user",
            "before_deletion",
            models.JSONField(
                blank=True, help_text="What a restore puts back: status, reason, end", null=True
            ),
        ),
        migrations.AlterModelOptions(
            "user",
            options={
                "default_permissions": (),
                "verbose_name": "account",
                "permissions": [
                    ("view_user", "Can see accounts"),
                    ("invite_user", "Can invite people"),
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
        migrations.AlterField(
            "message",
            "kind",
            models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password-reset", "Password reset"),
                    ("suspended", "Suspended"),
                    ("reinstated", "Reinstated"),
                    ("verification", "Verification of the address"),
                ],
                max_length=32,
            ),
        ),
        migrations.RunPython(grant_new, migrations.RunPython.noop),
    ]
