"""All tasks that workers run: by a schedule, which is written to the database after each migrate,
or on demand. A worker refuses all others, whatever the tables of the queue say.
"""

from users.jobs.queue import task_queue

EVERY_MINUTE = {
    # On the cluster that sends emails, so that it reports a main cluster that hangs.
    "users.health.tasks.watch_status": task_queue.NOTIFY,
    # Finds emails that are due for another try, and emails whose task was lost.
    "users.mail.tasks.deliver_outbox": task_queue.NOTIFY,
    # What became of emails, as their provider reports it.
    "users.mail.tasks.apply_delivery_events": task_queue.MAIN,
    "users.audit.tasks.seal_audit_chain": task_queue.MAIN,
    # On its own, because it waits for servers of others.
    "users.audit.tasks.deliver_checkpoints": task_queue.MAIN,
    "users.audit.tasks.deliver_feeds": task_queue.MAIN,
    "users.audit.tasks.backfill_former_values": task_queue.MAIN,
    # Once a day and, in full, once a week: most runs have nothing to do.
    "users.audit.tasks.verify_audit_trail": task_queue.MAIN,
    "users.caching.tasks.purge_expired": task_queue.MAIN,
    "users.presence.tasks.sweep_presence": task_queue.MAIN,
    # Removes the names of erased people from texts about others.
    "users.privacy.tasks.redact_waiting_texts": task_queue.MAIN,
    "users.dashboard.tasks.update_dashboard": task_queue.MAIN,
    # Ended roles have no effect before; this makes the list and the trail say so.
    "users.staff.tasks.end_roles": task_queue.MAIN,
    "users.transfer.tasks.start_scheduled_exports": task_queue.MAIN,
    # Also on demand, after a job that writes a workbook.
    "users.transfer.tasks.finish_exports": task_queue.MAIN,
    # Also on demand, after a cancellation.
    "users.campaigns.tasks.update_campaigns": task_queue.MAIN,
    # Also on demand, as long as there is more to deliver.
    "users.webhooks.tasks.deliver_webhooks": task_queue.MAIN,
}
EVERY_HOUR = {
    "users.staff.tasks.end_reviews": task_queue.MAIN,
    "users.audit.tasks.apply_retention": task_queue.MAIN,
    "users.bulk.tasks.forget_before_images": task_queue.MAIN,
    # After SECRET_KEY was replaced.
    "users.factors.tasks.renew_factor_encryption": task_queue.MAIN,
    "users.health.tasks.delete_expired_rows": task_queue.MAIN,
    # Once a day: most runs have nothing to do.
    "users.meter.tasks.update_usual": task_queue.MAIN,
    "users.sessions.tasks.clear_sessions": task_queue.MAIN,
    "users.transfer.tasks.remove_old_exports": task_queue.MAIN,
    "users.transfer.tasks.remove_old_imports": task_queue.MAIN,
    # After SECRET_KEY was replaced.
    "users.webhooks.tasks.renew_webhook_secrets": task_queue.MAIN,
}
TASKS = EVERY_MINUTE | EVERY_HOUR
BEAT_TASK = "users.jobs.tasks.record_beat"
ON_DEMAND = {
    "users.caching.tasks.flush_pages",
    "users.directory.tasks.count_accounts",
    BEAT_TASK,
    "users.jobs.tasks.work_on_jobs",
}


def allowed_tasks() -> frozenset[str]:
    return frozenset(ON_DEMAND | TASKS.keys())


def task_minutes(cluster: str) -> dict[str, int]:
    """Returns the minutes between two runs of each scheduled task of `cluster`."""
    minutes = {}
    for task, its_cluster in TASKS.items():
        if its_cluster == cluster:
            minutes[task] = 60 if task in EVERY_HOUR else 1
    return minutes


def write_schedules(**_: object) -> None:
    """Creates, corrects and deletes stored schedules. Receiver of the signal post_migrate."""
    for task, cluster in TASKS.items():
        minutes = task_minutes(cluster)[task]
        task_queue.schedule_task(task, cluster=cluster, minutes=minutes)
    task_queue.drop_schedules_except(set(TASKS))
