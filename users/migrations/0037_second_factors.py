from django.db import migrations, models


def clear_unfounded_columns(apps, schema_editor):
    """No account has an authenticator yet; only a demo had accounts with a second factor."""
    accounts = apps.get_model("users", "User").objects.filter(has_second_factor=True)
    accounts.update(has_second_factor=False)


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0036_saved_view_page"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.CreateModel(
            name="GracePeriod",
            fields=[
                ("account_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password-reset", "Password reset"),
                    ("staff-reset", "Password reset by staff"),
                    ("suspended", "Suspended"),
                    ("reinstated", "Reinstated"),
                    ("verification", "Email verification"),
                    ("address-changed", "Address changed"),
                    ("factor-added", "Second factor added"),
                    ("factor-removed", "Second factor removed"),
                    ("recovery-codes", "New recovery codes"),
                    ("letter", "Email from staff"),
                    ("new-superuser", "New superuser"),
                    ("alarm", "Alarm"),
                    ("announcement", "Announcement"),
                    ("test", "Test email"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="signinevent",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("ok", "Signed in"),
                    ("chosen", "Chose a password"),
                    ("wrong-password", "Wrong password"),
                    ("wrong-factor", "Wrong code or passkey"),
                    ("unknown", "No such account"),
                    ("invited", "Invited, no password yet"),
                    ("no-password", "No password set"),
                    ("bad-hash", "Stored password can’t be read"),
                    ("suspended", "Suspended"),
                    ("ended", "Account expired"),
                    ("deleted", "Deleted"),
                    ("erased", "Erased"),
                    ("throttled", "Locked after failed attempts"),
                    ("crowded", "Too many requests from this IP address"),
                    ("dead-link", "Link already used or expired"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="signinevent",
            name="way",
            field=models.CharField(
                choices=[
                    ("password", "Password"),
                    ("reset-link", "Reset link"),
                    ("invitation", "Invitation"),
                    ("app", "Authenticator app"),
                    ("recovery", "Recovery code"),
                    ("passkey", "Passkey"),
                ],
                default="password",
                max_length=12,
            ),
        ),
        migrations.RunPython(clear_unfounded_columns, migrations.RunPython.noop, elidable=True),
    ]
