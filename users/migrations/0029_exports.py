"""Files of exported accounts, and the right to make them."""

from django.db import migrations, models
from django.db.models import Q
from django.db.models.deletion import PROTECT

from users.staff.roles import grant


class Migration(migrations.Migration):
    dependencies = [("users", "0028_by_standing")]
    operations = [
        migrations.CreateModel(
            "Export",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job", models.OneToOneField("users.job", PROTECT, related_name="export")),
                (
                    "expires_at",
                    models.DateTimeField(null=True, help_text="Null while it is being written"),
                ),
                ("removed_at", models.DateTimeField(null=True, help_text="When its pieces went")),
            ],
            options={
                "default_permissions": (),
                "permissions": [("export_user", "Can export accounts to files")],
                "indexes": [
                    models.Index(
                        fields=["expires_at"], name="export_live", condition=Q(removed_at=None)
                    )
                ],
            },
        ),
        migrations.CreateModel(
            "ExportPiece",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "export",
                    models.ForeignKey(
                        "users.export", PROTECT, related_name="pieces", db_index=False
                    ),
                ),
                ("first", models.BigIntegerField(help_text="The lowest id in it")),
                ("last", models.BigIntegerField(help_text="The highest one")),
                ("rows", models.PositiveIntegerField()),
                (
                    "size",
                    models.PositiveIntegerField(help_text="Bytes, before they were compressed"),
                ),
                (
                    "masked",
                    models.BooleanField(help_text="Whether addresses and numbers in it are masked"),
                ),
                ("content", models.BinaryField()),
                ("index", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=["export", "last"], name="export_piece_once")
                ],
            },
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "export_user"), migrations.RunPython.noop
        ),
    ]
