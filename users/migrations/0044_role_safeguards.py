"""Remembers former administrators, and bounds the cost of the pages of access reviews."""

from django.db import migrations, models


def count_decisions(apps, schema_editor):
    """Fills in how many roles of each review are decided."""
    for review in apps.get_model("users", "AccessReview").objects.all():
        items = apps.get_model("users", "ReviewItem").objects.filter(review=review)
        review.decided_count = items.exclude(decision="").count()
        review.save(update_fields=["decided_count"])


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0043_hourly_use"),
    ]

    operations = [
        migrations.CreateModel(
            name="AdministratorDecrease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("before", models.PositiveIntegerField(help_text="How many there were until then")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="accessreview",
            name="decided_count",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="accessreview",
            name="escalated_at",
            field=models.DateTimeField(
                help_text="When it was left to administrators: its opener may remove nothing",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="accessreview",
            name="is_intact",
            field=models.BooleanField(
                help_text="Whether it ended with the items that it was opened with", null=True
            ),
        ),
        migrations.RunPython(count_decisions, migrations.RunPython.noop),
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
                    ("factor-added", "Second factor added"),
                    ("factor-removed", "Second factor removed"),
                    ("recovery-codes", "New recovery codes"),
                    ("new-device", "Sign-in on a new device"),
                    ("letter", "Email from staff"),
                    ("oidc-linked", "Single sign-on linked"),
                    ("oidc-unlinked", "Single sign-on unlinked"),
                    ("break-glass", "Break-glass account used"),
                    ("new-superuser", "New administrator"),
                    ("role-requested", "Role request"),
                    ("review-escalated", "Access review escalated"),
                    ("alarm", "Alarm"),
                    ("heavy-use", "Heavy use of personal data"),
                    ("announcement", "Announcement"),
                    ("test", "Test email"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="reviewitem",
            name="group_id",
            field=models.BigIntegerField(help_text="0: the superuser status"),
        ),
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(fields=["review", "-id"], name="reviewitem_by_review"),
        ),
    ]
