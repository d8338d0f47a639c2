"""A kind of email for password resets that staff send, which says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0012_jobs"),
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
                    ("letter", "Email from staff"),
                    ("new-superuser", "New superuser"),
                ],
                max_length=32,
            ),
        ),
    ]
