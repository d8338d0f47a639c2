"""The email about a sign-in on a new device."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0037_second_factors"),
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
                    ("new-superuser", "New superuser"),
                    ("alarm", "Alarm"),
                    ("announcement", "Announcement"),
                    ("test", "Test email"),
                ],
                max_length=32,
            ),
        ),
    ]
