"""The mail of one account, newest first, is one range of an index; the one over the account alone is not needed beside it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from users.database.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0010_sign_ins")]
    operations = [
        AddIndexOnline(
            "message", models.Index(fields=["account", "-id"], name="message_by_account")
        ),
        migrations.AlterField(
            "message",
            "account",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
