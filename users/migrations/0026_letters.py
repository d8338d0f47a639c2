"""Letters: what staff write to people in their own words, and the right to do so."""

import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q
from django.db.models.deletion import PROTECT

from users.database.online_indexes import AddUniqueOnline
from users.staff.roles import grant


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0025_mail_in_turn")]
    operations = [
        migrations.CreateModel(
            "Letter",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=150)),
                ("text", models.TextField(help_text="Plain; empty once it is forgotten")),
                ("is_bulk", models.BooleanField(default=False, help_text="Written to many")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
                "permissions": [("write_mail", "Can write mails to people")],
            },
        ),
        # Without a constraint: letters are never deleted, and a large table need not be looked through for one.
        migrations.AddField(
            "message",
            "letter",
            models.ForeignKey(
                "users.letter",
                PROTECT,
                null=True,
                related_name="messages",
                db_index=False,
                db_constraint=False,
            ),
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
                    ("letter", "Letter"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            "message",
            "state",
            models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("sent", "Sent"),
                    ("failed", "Failed"),
                    ("dropped", "Dropped"),
                    ("unknown", "Unknown"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        AddUniqueOnline(
            "message",
            models.UniqueConstraint(
                fields=["letter", "account"], name="message_letter_once", condition=~Q(letter=None)
            ),
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "write_mail"), migrations.RunPython.noop
        ),
    ]
