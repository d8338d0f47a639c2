"""The one Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        from users.bulk import actions, undo  # noqa: F401  register kinds of jobs
        from users.database_version import refuse_earlier_version
        from users.jobs.schedule import write_schedules
        from users.staff import signals  # noqa: F401  connects the receivers
        from users.triggers import install_again

        pre_migrate.connect(
            refuse_earlier_version, sender=self, dispatch_uid="users.database_version"
        )
        post_migrate.connect(write_schedules, sender=self, dispatch_uid="users.jobs.schedule")
        post_migrate.connect(install_again, sender=self, dispatch_uid="users.triggers")
