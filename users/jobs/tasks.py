"""What the workers run: jobs, and what the workers need for their own sake."""

from django.utils import timezone

from users.jobs import worker
from users.jobs.models import WorkerBeat
from users.jobs.queue import doorbell


def work_on_jobs() -> None:
    worker.work_time_slice()


def record_beat(cluster: str) -> None:
    """Shows that `cluster` takes and runs tasks: /readyz and the supervisor read it. And looks for
    jobs that nobody works: a beat is rung every few seconds, and at the start, whatever became of
    the queue and of the clock.
    """
    WorkerBeat.objects.update_or_create(cluster=cluster, defaults={"at": timezone.now()})
    if cluster == doorbell.MAIN:
        worker.enqueue_lost_work()
