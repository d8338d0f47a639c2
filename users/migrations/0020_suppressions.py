"""The account of a suppression, and an index of the accounts that accept announcements."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0018_mail_limits"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="suppression",
            name="suppression_by_created",
        ),
        migrations.AddField(
            model_name="suppression",
            name="account_id",
            field=models.BigIntegerField(
                help_text="The account that had the address then; none after its erasure",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(
                condition=models.Q(("account_id__isnull", False)),
                fields=["account_id", "-id"],
                name="suppression_by_account",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("accepts_announcements", True)),
                fields=["-date_joined", "-id"],
                name="user_consent_by_joined",
            ),
        ),
    ]
