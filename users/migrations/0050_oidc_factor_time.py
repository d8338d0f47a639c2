from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0049_source_updated_index")]

    operations = [
        migrations.AddField(
            model_name="oidclink",
            name="factor_at",
            field=models.DateTimeField(
                help_text="When the provider last claimed a second factor at a sign-in", null=True
            ),
        ),
    ]
