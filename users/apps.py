"""The one Django app: loads the rooms and connects them."""

import gc
from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

# Models outside of users/models.py, which is the only module that Django loads by itself.
MODELS = (
    "users.role_models",
    "users.caching.models",
    "users.audit.models",
    "users.audit.feeds.models",
    "users.audit.trail.models",
    "users.audit.tree.models",
    "users.audit.verification.models",
    "users.sessions.models",
    "users.oidc.models",
    "users.jobs.models",
    "users.mail.models",
    "users.meter.models",
    "users.privacy.models",
    "users.directory.lists.models",
    "users.directory.models",
    "users.notes.models",
    "users.campaigns.models",
    "users.presence.models",
    "users.transfer.models",
    "users.dashboard.models",
    "users.staff.reviews.models",
    "users.tokens.models",
    "users.scim.models",
    "users.webhooks.models",
    "users.health.models",
)

# Each of these modules registers the erasure steps of its room.
FORGETTING = (
    "users.audit.forgetting",
    "users.sessions.forgetting",
    "users.factors.forgetting",
    "users.oidc.forgetting",
    "users.jobs.forgetting",
    "users.mail.forgetting",
    "users.meter.forgetting",
    "users.privacy.forgetting",
    "users.directory.forgetting",
    "users.directory.lists.forgetting",
    "users.notes.forgetting",
    "users.campaigns.forgetting",
    "users.presence.forgetting",
    "users.staff.forgetting",
    "users.tokens.forgetting",
    "users.transfer.forgetting",
    "users.evidence.forgetting",
    "users.webhooks.forgetting",
    "users.signin.forgetting",
    "users.dashboard.forgetting",
)


# Each of these modules registers the gauges that its room has for /metrics.
GAUGES = (
    "users.audit.gauges",
    "users.caching.gauges",
    "users.health.gauges",
    "users.jobs.gauges",
    "users.mail.gauges",
    "users.webhooks.gauges",
)


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "Users"

    def import_models(self) -> None:
        super().import_models()
        for name in MODELS:
            import_module(name)

    def ready(self) -> None:
        from users.audit.outside_changes import record_outside_changes
        from users.database.sqlite3.base import DatabaseWrapper
        from users.sessions import signals  # noqa: F401  connects the receivers
        from users.staff.registry import register_role_values
        from users.sudo import signals as sudo_signals  # noqa: F401
        from users.verbs.registry import register_verbs

        for name in FORGETTING + GAUGES:
            import_module(name)

        DatabaseWrapper.record_changes = staticmethod(record_outside_changes)
        register_verbs()
        register_role_values()
        self.register_jobs()
        self.connect_migration_signals()
        # What is loaded stays, so that no collection needs to look through it.
        gc.freeze()
        gc.enable()

    def register_jobs(self) -> None:
        """Registers the kinds of jobs that are no verbs, after the verbs."""
        from users.bulk.registry import register_action
        from users.campaigns.registry import register_campaigns
        from users.evidence.export_job import ExportEvents
        from users.jobs.kinds import register_kind
        from users.jobs.transitions import register_token_check
        from users.tokens.changes import is_revoked_token
        from users.transfer.exports.action import ExportAccounts
        from users.transfer.exports.archive import ExportArchive
        from users.transfer.imports.registry import register_imports

        register_action(ExportAccounts())
        register_action(ExportArchive())
        register_kind(ExportEvents())
        register_campaigns()
        register_imports()
        register_token_check(is_revoked_token)

    def connect_migration_signals(self) -> None:
        """Connects what each migrate begins and ends with."""
        from users.access_setup import create_declared_permissions
        from users.database.first_id import set_first_id
        from users.database.triggers import reinstall_triggers
        from users.database.version import refuse_earlier_version
        from users.jobs.schedule import write_schedules

        pre_migrate.connect(
            refuse_earlier_version, sender=self, dispatch_uid="users.database.version"
        )
        receivers = {
            "users.access_setup": create_declared_permissions,
            "users.database.first_id": set_first_id,
            "users.jobs.schedule": write_schedules,
            "users.database.triggers": reinstall_triggers,
        }
        for name, receiver in receivers.items():
            post_migrate.connect(receiver, sender=self, dispatch_uid=name)
