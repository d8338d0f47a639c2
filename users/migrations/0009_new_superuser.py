"""The email to the other superusers about a new one, and the account that it tells about."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0008_signin_by_ip"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="about_id",
            field=models.BigIntegerField(
                help_text="The account that the message tells about, if it is another one",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password-reset", "Password reset"),
                    ("suspended", "Suspended"),
                    ("reinstated", "Reinstated"),
                    ("verification", "Email verification"),
                    ("letter", "Email from staff"),
                    ("new-superuser", "New superuser"),
                ],
                max_length=32,
            ),
        ),
    ]
