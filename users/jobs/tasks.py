"""Tasks of the workers: the work on jobs, and the heartbeat of a cluster."""

from django.db.models.functions import Now

from users.jobs import worker
from users.jobs.models import WorkerBeat
from users.jobs.queue import task_queue

DELIVERY_TASK = "users.mail.tasks.deliver_outbox"


def work_on_jobs() -> None:
    """Works for one time slice on the job that is due first."""
    worker.work_time_slice()


def record_beat(cluster: str) -> None:
    """Records that `cluster` runs tasks. /readyz and the supervisor read the record.

    Each cluster also queues tasks for work that has none. A beat is queued every few seconds and
    when a cluster starts, so jobs and emails continue even if the queue and the schedules were
    lost.
    """
    WorkerBeat.objects.update_or_create(cluster=cluster, defaults={"at": Now()})
    if cluster == task_queue.MAIN:
        worker.enqueue_lost_work()
    elif task_queue.oldest_wait(cluster) is None:
        # A process may have died with a message that it had claimed.
        enqueue_delivery()


def enqueue_delivery() -> None:
    """Queues the task that sends what waits in the outbox, in the current transaction."""
    task_queue.enqueue_task(DELIVERY_TASK, cluster=task_queue.NOTIFY)
