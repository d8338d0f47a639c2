"""What the sealing task remembers, so that events inserted with an earlier time or id are found; and
keys of names that hold no address and no number; and the email that tells a former address.
"""

from django.db import migrations, models
from django.db.models import Q

HIDDEN = "•••"


def hide_contact_data(apps, schema_editor):
    """Replaces the keys of names that may hold an address or a number. The next save of the account
    writes its real key.
    """
    user_model = apps.get_model("users", "User")
    may_be_masked = Q(name_key__contains="@") | Q(name_key__regex=r"[0-9]([^a-z]{0,3}[0-9]){6}")
    user_model.objects.using(schema_editor.connection.alias).filter(may_be_masked).update(
        name_key=HIDDEN
    )


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0009_new_superuser"),
    ]

    operations = [
        migrations.AddField(
            model_name="chainhead",
            name="sealed_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="counted_id",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password-reset", "Password reset"),
                    ("suspended", "Suspended"),
                    ("reinstated", "Reinstated"),
                    ("verification", "Email verification"),
                    ("address-changed", "Address changed"),
                    ("letter", "Email from staff"),
                    ("new-superuser", "New superuser"),
                ],
                max_length=32,
            ),
        ),
        migrations.RunPython(hide_contact_data, migrations.RunPython.noop),
    ]
