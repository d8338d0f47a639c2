"""Notes about accounts."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from users.database import triggers
from users.staff.roles import grant


def grant_rights(apps, schema_editor):
    for codename in ("add_note", "pin_note"):
        grant(apps, codename)


def install(apps, schema_editor):
    triggers.install_generations(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("users", "0012_audit_chain")]
    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("author_id", models.BigIntegerField(null=True)),
                ("author_text", models.CharField(max_length=255)),
                ("text", models.TextField(blank=True, help_text="Empty once it is erased")),
                (
                    "pinned",
                    models.BooleanField(
                        default=False, help_text="Stands at the top of the account's page"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(null=True)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="Raised by every change of the text"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("add_note", "Can write notes about accounts"),
                    ("pin_note", "Can pin notes"),
                ],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["account", "-id"], name="note_by_account"),
                    models.Index(
                        fields=["account", "-id"], name="note_pinned", condition=Q(pinned=True)
                    ),
                    models.Index(fields=["author_id"], name="note_by_author"),
                ],
            },
        ),
        migrations.RunPython(grant_rights, migrations.RunPython.noop),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
