"""Everything that runs by the clock, in one place. Written to the database after each migrate."""

from users.jobs.queue import doorbell

EVERY_MINUTE = {
    # mails whose ring was lost, and those that are due again
    "users.mail.tasks.deliver_outbox": doorbell.NOTIFY,
    "users.audit.tasks.seal_audit_chain": doorbell.MAIN,
    "users.caching.tasks.purge_expired": doorbell.MAIN,
    "users.presence.tasks.sweep_presence": doorbell.MAIN,
    # what erased people are called, in what was written about others
    "users.privacy.tasks.redact_waiting_texts": doorbell.MAIN,
}
EVERY_HOUR = {
    "users.bulk.tasks.forget_before_images": doorbell.MAIN,
    "users.sessions.tasks.clear_sessions": doorbell.MAIN,
    "users.transfer.tasks.remove_old_exports": doorbell.MAIN,
}
TASKS = EVERY_MINUTE | EVERY_HOUR


def write_schedules(**_: object) -> None:
    for task, cluster in TASKS.items():
        doorbell.schedule_task(task, cluster=cluster, minutes=60 if task in EVERY_HOUR else 1)
    doorbell.drop_schedules_except(set(TASKS))
