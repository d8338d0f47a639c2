"""Counts and logs what workers do: the tasks of the queue, and the time slices of jobs."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial

from users.jobs.schedule import BEAT_TASK
from users.metrics.registry import define_counter, define_histogram
from users.metrics.slots import take_slot

logger = logging.getLogger(__name__)
TASKS_RUN = define_counter(
    "rollcall_tasks_total", "Tasks that workers ran, by outcome.", ["task", "outcome"]
)
TASK_SECONDS = define_histogram(
    "rollcall_task_duration_seconds",
    "Time that workers needed for a task.",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120),
)
JOB_ACCOUNTS = define_counter(
    "rollcall_job_accounts_total",
    "Accounts that jobs have worked on, by kind of job and outcome.",
    ["kind", "outcome"],
)


def observe_tasks(functions: Mapping[str, Callable]) -> dict[str, Callable]:
    """Returns functions that run those of `functions`, by dotted path, and count and log it."""
    return {path: partial(run_task, path, function) for path, function in functions.items()}


def run_task(path: str, function: Callable, *ids: int | str) -> object:
    """Runs the task in a worker. An exception is logged here, with its traceback, and raised."""
    take_slot()
    started = time.monotonic()
    outcome = "failed"
    try:
        result = function(*ids)
        outcome = "done"
        return result
    except Exception:
        logger.exception("Task %s failed", path)
        raise
    finally:
        seconds = time.monotonic() - started
        TASKS_RUN.labels(path, outcome).inc()
        TASK_SECONDS.labels(path).observe(seconds)
        log_task(path, outcome, seconds)


def log_task(path: str, outcome: str, seconds: float) -> None:
    """Logs one line. Beats, of which there is one every few seconds, are left out."""
    if path != BEAT_TASK or outcome != "done":
        fields = {
            "task": path,
            "outcome": outcome,
            "milliseconds": round(seconds * 1000, 1),
        }
        logger.info("Task %s: %s", path, outcome, extra=fields)


def log_time_slice(job_id: int, kind: str, outcome: str) -> None:
    """Logs the end of a worker's time slice on a job."""
    outcome = outcome.lower()
    fields = {
        "job_id": job_id,
        "kind": kind,
        "outcome": outcome,
    }
    logger.info("Job %s (%s): %s", job_id, kind, outcome, extra=fields)


def count_job_accounts(kind: str, counts: Mapping[str, int]) -> None:
    """Counts the accounts of a chunk that has been committed."""
    for outcome, number in counts.items():
        if number:
            JOB_ACCOUNTS.labels(kind, outcome).inc(number)
