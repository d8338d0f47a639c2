"""Tasks of the workers: one works on jobs, one proves that a cluster runs."""

from django.db.models.functions import Now

from users.jobs import worker
from users.jobs.models import WorkerBeat
from users.jobs.queue import task_queue


def work_on_jobs() -> None:
    """Works for one time slice on the job that is due first."""
    worker.work_time_slice()


def record_beat(cluster: str) -> None:
    """Records that `cluster` takes and runs tasks; /readyz and the supervisor read it.

    The main cluster also looks for jobs that no task announces. A beat is queued every few seconds
    and when a cluster starts, so jobs go on even if the queue and the schedules were lost.
    """
    WorkerBeat.objects.update_or_create(cluster=cluster, defaults={"at": Now()})
    if cluster == task_queue.MAIN:
        worker.enqueue_lost_work()
