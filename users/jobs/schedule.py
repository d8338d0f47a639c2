"""Everything that runs by the clock, in one place. Written to the database after each migrate."""

from users.jobs import queue

EVERY_MINUTE = {
    "users.mail.tasks.drain": queue.NOTIFY,  # mails whose ring was lost, and those that are due again
}


def write_schedules(**_: object) -> None:
    for task, cluster in EVERY_MINUTE.items():
        queue.every_minute(task, cluster=cluster)
    queue.drop_schedules_except(set(EVERY_MINUTE))
