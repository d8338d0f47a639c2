"""Links to identities at an OpenID Connect provider, and the emails and attempts about them."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0040_access_reviews"),
    ]

    operations = [
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
                    ("new-device", "Sign-in on a new device"),
                    ("letter", "Email from staff"),
                    ("oidc-linked", "Single sign-on linked"),
                    ("oidc-unlinked", "Single sign-on unlinked"),
                    ("break-glass", "Break-glass account used"),
                    ("new-superuser", "New administrator"),
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
                    ("provider-only", "Must sign in with OpenID Connect"),
                    ("oidc-refused", "OpenID Connect failed"),
                    ("not-linked", "No account linked"),
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
                    ("oidc", "OpenID Connect"),
                ],
                default="password",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="OidcLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("issuer", models.CharField(max_length=255)),
                ("subject", models.CharField(max_length=255)),
                ("account_id", models.BigIntegerField()),
                ("linked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_used_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("issuer", "subject"), name="oidclink_subject"),
                    models.UniqueConstraint(
                        fields=("account_id", "issuer"), name="oidclink_account"
                    ),
                ],
            },
        ),
    ]
