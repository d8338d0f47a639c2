"""Renames the model RoleUsual to UsualUse. Its table stays, so that older processes go on."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("users", "0051_token_position")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("RoleUsual", "UsualUse"),
                migrations.AlterModelTable("UsualUse", "users_roleusual"),
            ],
        ),
    ]
