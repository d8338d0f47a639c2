"""manage.py worker: runs all background work, in one tree of processes."""

from typing import Any

from django.core.management.base import BaseCommand

from users.database.version import refuse_earlier_version
from users.jobs.queue import task_queue
from users.jobs.queue.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Runs the worker clusters until SIGTERM or Ctrl-C, "
        "and replaces any cluster that stops responding."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_earlier_version()
        Supervisor(task_queue.CLUSTERS).run()
