"""Everything that runs by the clock, in one place. Written to the database after each migrate."""

from users.jobs import queue

EVERY_MINUTE = {
    # mails whose ring was lost, and those that are due again
    "users.mail.tasks.drain": queue.NOTIFY,
    "users.audit.tasks.seal": queue.MAIN,
    "users.caching.tasks.purge": queue.MAIN,
    "users.presence.tasks.sweep": queue.MAIN,
    # what erased people are called, in what was written about others
    "users.redaction.tasks.redact": queue.MAIN,
}
EVERY_HOUR = {
    "users.bulk.tasks.forget": queue.MAIN,
    "users.staff.tasks.clear_sessions": queue.MAIN,
    "users.transfer.tasks.remove_over": queue.MAIN,
}
TASKS = EVERY_MINUTE | EVERY_HOUR


def write_schedules(**_: object) -> None:
    for task, cluster in TASKS.items():
        queue.every_minute(task, cluster=cluster, minutes=60 if task in EVERY_HOUR else 1)
    queue.drop_schedules_except(set(TASKS))
