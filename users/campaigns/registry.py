"""Registers the jobs of campaigns, and the action in the directory's selection bar."""

# These register labels of events, which a worker needs too.
from users.campaigns import email_tests, lifecycle, templates  # noqa: F401
from users.campaigns.announcement_job import ANNOUNCE
from users.campaigns.retry_job import RetryAnnouncement
from users.directory.selection_bar import BarAction, register_bar_action
from users.jobs.kinds import register_kind


def register_campaigns() -> None:
    register_kind(ANNOUNCE)
    register_kind(RetryAnnouncement())
    register_bar_action(
        BarAction(
            url=ANNOUNCE.url,
            label=ANNOUNCE.label,
            icon=ANNOUNCE.icon,
            action=ANNOUNCE.action,
            # After “Send email”.
            position=31,
            menu="Account",
        )
    )
