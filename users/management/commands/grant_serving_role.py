"""manage.py grant_serving_role: gives the role of web and worker processes its rights. bin/release
calls it with the role that migrates.
"""

from typing import Any

import environ
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection, transaction

from users.database import serving_role

VARIABLE = "SERVING_DATABASE_URL"
BY_HAND = "CREATE ROLE {} LOGIN PASSWORD '…'"


class Command(BaseCommand):
    help = (
        f"On PostgreSQL, gives the role in {VARIABLE} the rights that web and worker need. "
        "Creates the role if it is missing. The role of DATABASE_URL must own the tables."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("SQLite has no roles: whoever can read the file can change it.")
        name, password = serving_login()
        with transaction.atomic():
            if not serving_role.role_exists(name):
                create_missing_role(name, password)
            if excess := serving_role.excess_power(name):
                raise CommandError(f"The role {name} {excess}, so it may not serve.")
            serving_role.grant_rights(name)
        self.stdout.write(f"The role {name} has the rights to serve, and owns no table.")


def serving_login() -> tuple[str, str]:
    """Returns name and password of the role. Raises CommandError without a name of its own."""
    config = environ.Env().db(VARIABLE, default="")
    name = str(config.get("USER") or "")
    if not name:
        raise CommandError(f"{VARIABLE} names no role.")
    if name == connection.settings_dict["USER"]:
        raise CommandError(f"The role {name} migrates. Name another one for web and worker.")
    return name, str(config.get("PASSWORD") or "")


def create_missing_role(name: str, password: str) -> None:
    try:
        with transaction.atomic():
            serving_role.create_role(name, password)
    except ProgrammingError as error:
        raise CommandError(
            f"The role {name} is missing, and this role may not create it. "
            f"Let an administrator run: {BY_HAND.format(name)}"
        ) from error
