import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("users", "0038_new_device"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleSettings",
            fields=[
                (
                    "group",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="role_settings",
                        serialize=False,
                        to="auth.group",
                    ),
                ),
                (
                    "sudo_minutes",
                    models.PositiveIntegerField(
                        help_text="Null: the setting of the installation", null=True
                    ),
                ),
                (
                    "requestable",
                    models.BooleanField(
                        db_default=False, default=False, help_text="Staff may request it for a time"
                    ),
                ),
                (
                    "approver",
                    models.ForeignKey(
                        db_constraint=False,
                        help_text="The role whose holders decide about requests; null: everyone who may",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RoleGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("membership_id", models.BigIntegerField(unique=True)),
                ("account_id", models.BigIntegerField()),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                ("by_id", models.BigIntegerField(null=True)),
                ("by_text", models.CharField(blank=True, max_length=255)),
                (
                    "until",
                    models.DateTimeField(
                        help_text="The role has no effect from then on, and is removed soon after",
                        null=True,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=100)),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["account_id"], name="rolegrant_by_account"),
                    models.Index(
                        condition=models.Q(("until__isnull", False)),
                        fields=["until"],
                        name="rolegrant_by_until",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.BigIntegerField(help_text="Who is to get the role")),
                ("role_name", models.CharField(max_length=150)),
                ("is_superuser", models.BooleanField(db_default=False, default=False)),
                (
                    "days",
                    models.PositiveIntegerField(help_text="Null: until it is removed", null=True),
                ),
                (
                    "until",
                    models.DateTimeField(
                        help_text="The end that was chosen instead of days", null=True
                    ),
                ),
                ("reason", models.TextField()),
                ("ticket", models.CharField(blank=True, max_length=100)),
                ("by_id", models.BigIntegerField()),
                ("by_text", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("decided_by_id", models.BigIntegerField(null=True)),
                ("decided_by_text", models.CharField(blank=True, max_length=255)),
                ("decided_at", models.DateTimeField(null=True)),
                ("answer", models.TextField(blank=True, help_text="The reason of the decision")),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        help_text="Null for the superuser status, and for a role that was deleted",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["by_id", "-id"], name="rolerequest_by_requester"),
                    models.Index(fields=["account_id"], name="rolerequest_by_account"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("account_id", "role_name"),
                        name="rolerequest_waiting_once",
                    )
                ],
            },
        ),
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
                    ("new-superuser", "New administrator"),
                    ("alarm", "Alarm"),
                    ("announcement", "Announcement"),
                    ("test", "Test email"),
                ],
                max_length=32,
            ),
        ),
    ]
