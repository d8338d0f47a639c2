import django.db.models.deletion
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0023_audit_blocks"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogTile",
            fields=[
                ("id", ID),
                ("level", models.PositiveSmallIntegerField()),
                (
                    "number",
                    models.BigIntegerField(help_text="Its index among the tiles of the level"),
                ),
                (
                    "width",
                    models.PositiveSmallIntegerField(help_text="The number of its hashes"),
                ),
                ("data", models.BinaryField(max_length=8192)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="SignedCheckpoint",
            fields=[
                ("id", ID.clone()),
                ("at", models.DateTimeField()),
                ("origin", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("root", models.BinaryField(max_length=32)),
                (
                    "note",
                    models.TextField(help_text="The signed note, with the signatures of this log"),
                ),
                (
                    "cosignatures",
                    models.TextField(blank=True, help_text="Signature lines of witnesses"),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="TreeHead",
            fields=[
                ("id", ID.clone()),
                ("size", models.BigIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=300)),
                ("has_key", models.BooleanField(default=False)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="VerifierKey",
            fields=[
                ("id", ID.clone()),
                (
                    "key_id",
                    models.CharField(help_text="Hexadecimal, as in signatures", max_length=8),
                ),
                ("origin", models.CharField(max_length=255)),
                (
                    "vkey",
                    models.CharField(
                        help_text="The verifier key as text", max_length=400, unique=True
                    ),
                ),
                ("added_at", models.DateTimeField()),
                ("first_size", models.BigIntegerField()),
                ("last_size", models.BigIntegerField(null=True)),
                ("retired_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="AnchorDelivery",
            fields=[
                ("id", ID.clone()),
                ("destination", models.CharField(max_length=300, unique=True)),
                ("size", models.BigIntegerField(default=0)),
                ("tried_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("failed_at", models.DateTimeField(null=True)),
                ("refused_at", models.DateTimeField(null=True)),
                (
                    "checkpoint",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The last one that was accepted",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="users.signedcheckpoint",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddConstraint(
            model_name="logtile",
            constraint=models.UniqueConstraint(fields=("level", "number"), name="log_tile_once"),
        ),
        migrations.AddConstraint(
            model_name="signedcheckpoint",
            constraint=models.UniqueConstraint(
                fields=("origin", "size"), name="signed_checkpoint_once"
            ),
        ),
    ]
