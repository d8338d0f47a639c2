"""What staff keep of the directory: their columns and page size, and saved views."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from users.staff.roles import grant


class Migration(migrations.Migration):
    dependencies = [("users", "0005_directory_indexes")]
    operations = [
        # Null and without a default: ten million rows need not be rewritten for the few that will have something here.
        migrations.AddField(
            "user",
            "preferences",
            models.JSONField(
                blank=True, help_text="Soft: how this person likes the back office", null=True
            ),
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(blank=True, max_length=4000)),
                ("shared", models.BooleanField(default=False)),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="Place among the owner's views"
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="Raised by every change: optimistic lock"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("share_view", "Can share saved views")],
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=Q(shared=True), fields=["name", "id"], name="view_shared"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="view_name_unique"),
                    models.CheckConstraint(condition=~Q(name=""), name="view_name_present"),
                ],
            },
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "share_view"), migrations.RunPython.noop
        ),
    ]
