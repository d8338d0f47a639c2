"""manage.py release: prepares the database for this release. bin/release calls it."""

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from users.management.commands.grant_serving_role import VARIABLE


class Command(BaseCommand):
    help = (
        "Migrates the database and creates the cache table. If "
        f"{VARIABLE} is set, also gives that role its rights. Run it before each deployment."
    )
    requires_system_checks = []  # migrate runs them

    def handle(self, *args: Any, **options: Any) -> None:
        verbosity = options["verbosity"]
        call_command(
            "migrate",
            interactive=False,
            skip_checks=False,
            verbosity=verbosity,
        )
        call_command("createcachetable", verbosity=verbosity)
        if os.environ.get(VARIABLE):
            call_command("grant_serving_role")
