"""Indexes for the directory's filters. docs/indexes.md says which query each one serves and what it costs."""

from django.db import migrations, models
from django.db.models import Q

from users.database.online_indexes import AddIndexOnline, PostgresSQL

NEWEST_FIRST = ["-date_joined", "-id"]
# Few accounts are in another status than active, so each order of theirs is a small index that most writes never touch.
ORDERS = {
    "username": "username, id",
    "email": "email, id",
    "name": "name_key, id",
    "seen": "(COALESCE(last_seen_at, '0001-01-01 00:00:00+00')) DESC, id DESC",
}


def newest(name: str, *fields: str, where: Q | None = None) -> AddIndexOnline:
    return AddIndexOnline(
        "user", models.Index(fields=[*fields, *NEWEST_FIRST], name=name, condition=where)
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "0004_second_factor")]
    operations = [
        newest("user_by_domain_joined", "email_domain"),
        newest("user_by_source_joined", "source", where=~Q(source="")),
        newest("user_unverified_by_joined", where=Q(email_verified_at=None)),
        newest("user_must_change_by_joined", where=Q(must_change_password=True)),
        newest("user_factor_by_joined", where=Q(has_second_factor=True)),
        *(
            PostgresSQL(
                f"CREATE INDEX CONCURRENTLY user_by_status_{name} ON users_user (status, {order}) WHERE status <> 'active'",
                f"DROP INDEX CONCURRENTLY user_by_status_{name}",
            )
            for name, order in ORDERS.items()
        ),
    ]
