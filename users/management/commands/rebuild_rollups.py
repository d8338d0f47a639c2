"""manage.py rebuild_rollups: counts the figures of the dashboard anew."""

from typing import Any

from django.core.management.base import BaseCommand

from users.dashboard import rollups


class Command(BaseCommand):
    help = (
        "Counts the figures of the dashboard anew: accounts by status from the accounts, the days "
        "from audit events, sign-in events and emails. Those that were deleted since are lost to "
        "the figures. Rollcall can be used meanwhile."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rollups.rebuild_rollups(self.stdout.write)
        self.stdout.write("The figures of the dashboard are complete.")
