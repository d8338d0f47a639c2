"""`manage.py worker`: all background work, in one tree of processes."""

from typing import Any

from django.core.management.base import BaseCommand

from users.database_version import refuse_earlier_version
from users.jobs import queue
from users.jobs.supervisor import Supervisor


class Command(BaseCommand):
    help = "Runs the clusters of workers until SIGTERM or Ctrl-C, and replaces one that no longer answers."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_earlier_version()
        Supervisor(queue.CLUSTERS).run()
