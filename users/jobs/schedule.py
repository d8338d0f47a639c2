"""All scheduled tasks. They are written to the database after each migrate."""

from users.jobs.queue import task_queue

EVERY_MINUTE = {
    # Finds emails that are due for another try, and emails whose task was lost.
    "users.mail.tasks.deliver_outbox": task_queue.NOTIFY,
    "users.audit.tasks.seal_audit_chain": task_queue.MAIN,
    "users.caching.tasks.purge_expired": task_queue.MAIN,
    "users.presence.tasks.sweep_presence": task_queue.MAIN,
    # Removes the names of erased people from texts about others.
    "users.privacy.tasks.redact_waiting_texts": task_queue.MAIN,
}
EVERY_HOUR = {
    "users.bulk.tasks.forget_before_images": task_queue.MAIN,
    "users.sessions.tasks.clear_sessions": task_queue.MAIN,
    "users.transfer.tasks.remove_old_exports": task_queue.MAIN,
}
TASKS = EVERY_MINUTE | EVERY_HOUR


def write_schedules(**_: object) -> None:
    """Creates, corrects and deletes stored schedules. Receiver of the signal post_migrate."""
    for task, cluster in TASKS.items():
        minutes = 60 if task in EVERY_HOUR else 1
        task_queue.schedule_task(task, cluster=cluster, minutes=minutes)
    task_queue.drop_schedules_except(set(TASKS))
