import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("users", "0041_oidc_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("holder_id", models.BigIntegerField()),
                (
                    "digest",
                    models.BinaryField(help_text="SHA-256 of its text", max_length=32, unique=True),
                ),
                (
                    "hint",
                    models.CharField(
                        help_text="The last characters before the checksum", max_length=4
                    ),
                ),
                ("scopes", models.JSONField(default=list, help_text="Codenames of permissions")),
                (
                    "networks",
                    models.JSONField(
                        default=list,
                        help_text="Networks in CIDR notation that may use it; empty: all",
                    ),
                ),
                (
                    "rate",
                    models.PositiveIntegerField(
                        help_text="Requests in a minute; null: the setting of the installation",
                        null=True,
                    ),
                ),
                (
                    "provisioning",
                    models.JSONField(help_text="Source, email domains and IDs of roles", null=True),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_by_id", models.BigIntegerField()),
                ("created_by_text", models.CharField(max_length=255)),
                ("ends_at", models.DateTimeField()),
                ("first_used_at", models.DateTimeField(null=True)),
                (
                    "last_used_at",
                    models.DateTimeField(help_text="Updated at most once a minute", null=True),
                ),
                ("last_used_ip", models.GenericIPAddressField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by_id", models.BigIntegerField(null=True)),
                ("revoked_by_text", models.CharField(blank=True, max_length=255)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["holder_id", "-id"], name="token_by_holder"),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="owner_id",
            field=models.BigIntegerField(
                blank=True,
                help_text="Staff who answer for a service account; null: a person",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="TokenMinute",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="users.apitoken",
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("used", models.PositiveIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
