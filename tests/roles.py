"""The first roles, as their migration makes them."""

from importlib import import_module

_migration = import_module("users.migrations.0007_roles")
ROLES: dict[str, list[str]] = _migration.ROLES
make_roles = _migration.make_roles
