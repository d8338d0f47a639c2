"""manage.py warm_cache: fills the page cache after a deploy."""

from typing import Any

from django.core.management.base import BaseCommand

from users.health import warming


class Command(BaseCommand):
    help = (
        "Builds the first pages of the directory's common lists for each group of staff with the "
        "same permissions, so that the first visitors after a deploy need not wait. Does nothing "
        "without REDIS_URL, since each process then has a cache of its own."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not warming.is_shared_cache():
            self.stdout.write("Nothing to warm: each process has a cache of its own.")
            return
        viewers = warming.typical_viewers()
        number = warming.warm_pages(viewers)
        self.stdout.write(f"{number} pages are cached for {len(viewers)} groups of viewers.")
