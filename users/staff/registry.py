"""Registers the labels of permissions in events about roles and API tokens."""

from users.access_setup import DECLARED_PERMISSIONS
from users.audit.actions import register_values


def register_role_values() -> None:
    """Registers them once all permissions are declared."""
    labels = {}
    for codename, declared in DECLARED_PERMISSIONS.items():
        labels[codename] = declared.label.removeprefix("Can ")
    register_values("permissions", labels)
    # Of API tokens (users/tokens/).
    register_values("scopes", labels)
