"""An index for the filter that finds the accounts that have signed in from an IP address."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0007_roles"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="signinevent",
            index=models.Index(
                condition=models.Q(("ip__isnull", False)),
                fields=["ip", "outcome", "account_id"],
                name="signin_by_ip",
            ),
        ),
    ]
