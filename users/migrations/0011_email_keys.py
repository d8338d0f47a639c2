"""Compares email addresses by LOWER(email): from now on local parts are kept as typed, and domains in
their readable form.
"""

import idna
from confusable_homoglyphs.confusables import confusables_data
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower

from users.models import derived_columns

BATCH = 1000
STATUS_INDEX = """
    CREATE INDEX user_by_status_email ON users_user (status, {key}, id) WHERE status <> 'active'
"""


def rebuild_status_index(key):
    def rebuild(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute("DROP INDEX IF EXISTS user_by_status_email")
            schema_editor.execute(STATUS_INDEX.format(key=key))

    return rebuild


def readable_label(label):
    """Returns an xn-- label in letters, unless each of them looks like one in ASCII."""
    if not label.startswith("xn--"):
        return label
    try:
        text = idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label
    return label if all(map(looks_like_ascii, text)) else text


def looks_like_ascii(char):
    return char.isascii() or any(other["c"].isascii() for other in confusables_data.get(char, ()))


def write_readable_domains(apps, schema_editor):
    """Writes domains that were stored as xn-- in letters, and the search keys of all domains with
    letters outside ASCII. An account whose mailbox another one has by now stays as it is.
    """
    account_model = apps.get_model("users", "User")
    foreign = Q(email_domain__contains="xn--") | ~Q(email_domain__regex=r"^[ -~]*$")
    for account in account_model.objects.filter(foreign).order_by("pk").iterator(BATCH):
        local, at, domain = account.email.rpartition("@")
        email = f"{local}{at}{'.'.join(map(readable_label, domain.split('.')))}"
        if email != account.email and account_model.objects.filter(email=email).exists():
            continue
        names = (account.username, email, account.first_name, account.last_name, account.phone)
        values = derived_columns(*names) | {"email": email}
        account_model.objects.filter(pk=account.pk).update(**values)


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0010_chain_order"),
    ]

    operations = [
        migrations.RunPython(write_readable_domains, migrations.RunPython.noop),
        migrations.RemoveIndex("user", "user_by_email"),
        migrations.RemoveIndex("user", "user_ends_by_email"),
        migrations.AddIndex(
            "user",
            models.Index(Lower("email"), F("id"), name="user_by_email", include=["email"]),
        ),
        migrations.AddIndex(
            "user",
            models.Index(
                Lower("email"),
                F("id"),
                F("valid_until"),
                F("status"),
                F("suspended_until"),
                F("last_seen_at"),
                name="user_ends_by_email",
                condition=Q(valid_until__isnull=False),
            ),
        ),
        migrations.RunPython(rebuild_status_index("LOWER(email)"), rebuild_status_index("email")),
    ]
