"""Where the chain of audit events begins, once its oldest events have been removed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0046_webhooks")]

    operations = [
        migrations.AddField(
            model_name="chainhead",
            name="pruned_position",
            field=models.BigIntegerField(default=0, db_default=0),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="pruned_hash",
            field=models.BinaryField(default=bytes(32), db_default=bytes(32), max_length=32),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="pruned_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="pruned_id",
            field=models.BigIntegerField(default=0, db_default=0),
        ),
    ]
