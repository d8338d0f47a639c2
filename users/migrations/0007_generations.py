"""Generations, raised by triggers with every change, and what web processes tell of themselves."""

from django.db import migrations, models

from users.database import triggers
from users.staff.roles import grant


def install(apps, schema_editor):
    triggers.install_generations(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0006_directory_views"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("sessions", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=20)),
                ("lane", models.IntegerField(default=0)),
                ("number", models.BigIntegerField()),
            ],
            options={
                "permissions": [("view_caching", "Can see how pages are cached")],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("name", "lane"), name="generation_lane_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="WebProcess",
            fields=[
                ("name", models.CharField(max_length=120, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("figures", models.JSONField(default=dict)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(
            lambda apps, schema_editor: grant(apps, "view_caching"), migrations.RunPython.noop
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
