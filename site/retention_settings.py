"""Limits of alarms, and how long records are kept, from the environment."""

from environ import Env


def alarm_limits(env: Env) -> tuple[int, int, int]:
    """Returns the minutes for which a job and an individual email may wait before an alarm, and the
    percentage of the disk of VAR_DIR above which it counts as nearly full.
    """
    return (
        env.int("ALARM_JOB_MINUTES", 15),
        env.int("ALARM_EMAIL_MINUTES", 60),
        env.int("ALARM_DISK_PERCENT", 95),
    )


def retention_days(env: Env) -> tuple[int, int, int, int]:
    """Returns the days for which attempts to sign in, results of ended jobs for each account,
    reports of email providers, and mails in MAIL_DIR are stored; 0 for ever.
    """
    return (
        env.int("SIGN_IN_EVENT_DAYS", 365),
        env.int("JOB_ITEM_DAYS", 0),
        env.int("DELIVERY_EVENT_DAYS", 90),
        env.int("MAIL_FILE_DAYS", 30),
    )
