"""Gauges of the queue, the jobs, the schedules and the workers for /metrics."""

from users.jobs.models import PENDING_STATES, Job, WorkerBeat
from users.jobs.queue import task_queue
from users.jobs.schedule import task_minutes
from users.metrics.registry import age_of_first, count_up_to, register_gauge

COUNT_LIMIT = 1000


@register_gauge("rollcall_queue_tasks", "Tasks that wait in a queue, up to 1,000.", label="queue")
def waiting_tasks() -> dict[str, float]:
    return {name: task_queue.count_due(name, COUNT_LIMIT) for name in task_queue.CLUSTERS}


@register_gauge(
    "rollcall_oldest_task_seconds",
    "Time for which the oldest task of a queue has waited.",
    label="queue",
)
def oldest_task_seconds() -> dict[str, float]:
    ages = {}
    for name in task_queue.CLUSTERS:
        wait = task_queue.oldest_wait(name)
        ages[name] = wait.total_seconds() if wait else 0
    return ages


@register_gauge("rollcall_pending_jobs", "Jobs that have not ended, up to 1,000.", label="state")
def pending_jobs() -> dict[str, float]:
    rows = Job.objects.order_by()
    return {
        state: count_up_to(rows.filter(state__in=PENDING_STATES, state=state), COUNT_LIMIT)
        for state in PENDING_STATES
    }


@register_gauge(
    "rollcall_oldest_job_seconds", "Time for which the first queued job has waited for a worker."
)
def oldest_job_seconds() -> float:
    # The second condition is that of the index.
    queued = Job.objects.filter(state=Job.State.QUEUED, state__in=["queued", "running"])
    return age_of_first(queued.order_by("due_at"), "due_at")


@register_gauge(
    "rollcall_worker_last_seen_timestamp_seconds",
    "Time at which a worker of the queue ran a task last.",
    label="queue",
)
def worker_beats() -> dict[str, float]:
    return {beat.cluster: beat.at.timestamp() for beat in WorkerBeat.objects.all()}


@register_gauge(
    "rollcall_schedule_last_run_timestamp_seconds",
    "Time at which the schedule of a task queued it last.",
    label="task",
)
def schedule_runs() -> dict[str, float]:
    minutes: dict[str, int] = {}
    for cluster in task_queue.CLUSTERS:
        minutes |= task_minutes(cluster)
    last = {}
    for task, at in task_queue.next_runs().items():
        if task in minutes:
            last[task] = at.timestamp() - 60 * minutes[task]
    return last
