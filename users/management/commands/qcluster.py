"""`manage.py qcluster`, django-q2's own command, which would run whatever a row of the database
names. `manage.py worker` takes its place.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Refused: use manage.py worker."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("Rollcall does not run qcluster. Start manage.py worker instead.")
