import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Value


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0020_suppressions"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="skipped",
            field=models.JSONField(
                db_default=Value({}, models.JSONField()),
                default=dict,
                help_text="Number of skipped accounts by reason",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="counts",
            field=models.JSONField(
                db_default=Value([], models.JSONField()),
                default=list,
                help_text="State, fate and number of its messages, as of `counted_at`",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="counted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="query",
            field=models.TextField(
                blank=True, help_text="The query of a selection: ids=…, or all=1 and a filter"
            ),
        ),
        migrations.CreateModel(
            name="CampaignSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(help_text="The beginning of its span of time")),
                (
                    "counts",
                    models.JSONField(help_text="State, fate and number, as in Campaign.counts"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="samples",
                        to="users.campaign",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddConstraint(
            model_name="campaignsample",
            constraint=models.UniqueConstraint(
                fields=("campaign", "at"), name="campaign_sample_once"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("letter__isnull", False)),
                fields=["letter", "state", "fate", "id"],
                name="message_by_letter_fate",
            ),
        ),
        migrations.RemoveIndex(model_name="message", name="message_by_letter_state"),
    ]
