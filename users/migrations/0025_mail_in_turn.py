"""Mails to single people leave before those that a job has put into the outbox by the thousand."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0024_personal_data")]
    operations = [
        migrations.AddField(
            "message",
            "is_bulk",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="One of many: what is for one person goes first",
            ),
        ),
        AddIndexOnline(
            "message",
            models.Index(
                fields=["is_bulk", "due_at", "id"],
                name="message_in_turn",
                condition=Q(state="waiting"),
            ),
        ),
        RemoveIndexOnline("message", "message_waiting"),
    ]
