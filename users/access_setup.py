"""Creates the declared permissions after each migrate, and grants them to their default roles.

General permissions are declared here; verbs declare their own. A permission is granted to its
default roles once, when it is created. Afterwards the operators of Rollcall decide about roles.
"""

from dataclasses import dataclass
from typing import Any

from django.apps import apps as global_apps
from django.db import DEFAULT_DB_ALIAS, router, transaction

VIEWER = "Viewer"
SUPPORT = "Support"
MANAGER = "Manager"
AUDITOR = "Auditor"
ADMINISTRATOR = "Administrator"
ALL_ROLES = (VIEWER, SUPPORT, MANAGER, AUDITOR, ADMINISTRATOR)


@dataclass(frozen=True, kw_only=True)
class DeclaredPermission:
    codename: str
    label: str
    # The model of its content type, in lower case.
    model: str
    roles: tuple[str, ...]
    # The codename in earlier releases.
    formerly: str = ""


DECLARED_PERMISSIONS: dict[str, DeclaredPermission] = {}


def declare_permission(
    codename: str,
    *,
    label: str,
    model: str = "user",
    roles: tuple[str, ...],
    formerly: str = "",
) -> None:
    DECLARED_PERMISSIONS[codename] = DeclaredPermission(
        codename=codename, label=label, model=model, roles=roles, formerly=formerly
    )


def ability(permission: str) -> str:
    """Returns what the holders of a permission (app.codename) can do, to complete "can …"."""
    codename = permission.rpartition(".")[2]
    declared = DECLARED_PERMISSIONS.get(codename)
    if declared is None or permission != f"users.{codename}":
        return f"use the permission “{permission}”"
    return declared.label.removeprefix("Can ").partition(" (")[0]


declare_permission("view_user", label="Can see accounts", roles=ALL_ROLES)
declare_permission(
    "view_personal",
    label="Can see email addresses and phone numbers",
    roles=(SUPPORT, MANAGER, AUDITOR, ADMINISTRATOR),
)
declare_permission(
    "reveal_without_reason",
    label="Can reveal without giving a reason",
    roles=(ADMINISTRATOR,),
)
declare_permission("manage_staff", label="Can manage staff accounts", roles=(ADMINISTRATOR,))
declare_permission(
    "add_note",
    label="Can write notes about accounts",
    model="note",
    roles=(SUPPORT, MANAGER, ADMINISTRATOR),
)
declare_permission(
    "pin_note", label="Can pin notes", model="note", roles=(SUPPORT, MANAGER, ADMINISTRATOR)
)
declare_permission(
    "view_auditevent",
    label="Can see the audit trail",
    model="auditevent",
    roles=(MANAGER, AUDITOR, ADMINISTRATOR),
)
declare_permission(
    "export_user",
    label="Can export accounts to files",
    model="export",
    roles=(MANAGER, AUDITOR, ADMINISTRATOR),
)
declare_permission(
    "import_user",
    label="Can import accounts from files",
    model="importfile",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission(
    "import_passwords",
    label="Can set first passwords of existing accounts by imports",
    model="importfile",
    roles=(ADMINISTRATOR,),
)
declare_permission(
    "export_hashes",
    label="Can export archives with password hashes",
    model="export",
    roles=(ADMINISTRATOR,),
)
declare_permission(
    "view_exports",
    label="Can see everyone’s exports",
    model="export",
    roles=(AUDITOR, ADMINISTRATOR),
)
declare_permission(
    "share_view",
    label="Can share saved views",
    model="savedview",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission(
    "view_job",
    label="Can see everyone’s jobs",
    model="job",
    roles=(SUPPORT, MANAGER, AUDITOR, ADMINISTRATOR),
)
declare_permission(
    "control_job",
    label="Can pause, resume and cancel everyone’s jobs",
    model="job",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission(
    "approve_bulk",
    label="Can approve other people’s large jobs",
    model="job",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission(
    "send_campaigns",
    label="Can send campaigns",
    model="campaign",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission(
    "manage_suppressions",
    label="Can suppress addresses and lift suppressions",
    model="suppression",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission("view_roles", label="Can see who has which role", roles=ALL_ROLES)
declare_permission("request_role", label="Can request a role for a time", roles=ALL_ROLES)
declare_permission("approve_role", label="Can approve role requests", roles=(ADMINISTRATOR,))
declare_permission(
    "manage_roles", label="Can create, change and delete roles", roles=(ADMINISTRATOR,)
)
declare_permission(
    "create_token",
    label="Can create API tokens",
    roles=(MANAGER, ADMINISTRATOR),
)
declare_permission(
    "manage_tokens",
    label="Can see and revoke everyone’s API tokens",
    roles=(ADMINISTRATOR,),
)
declare_permission(
    "manage_services",
    label="Can manage service accounts and their tokens",
    roles=(ADMINISTRATOR,),
)
declare_permission(
    "view_webhooks",
    label="Can see webhooks and their deliveries",
    model="webhooksubscription",
    roles=(AUDITOR, ADMINISTRATOR),
)
declare_permission(
    "manage_webhooks",
    label="Can create, change and delete webhooks",
    model="webhooksubscription",
    roles=(ADMINISTRATOR,),
)
declare_permission(
    "view_status",
    label="Can see the Status page",
    model="generation",
    roles=(ADMINISTRATOR,),
    formerly="view_caching",
)


def create_declared_permissions(
    *, using: str = DEFAULT_DB_ALIAS, apps: Any = global_apps, **kwargs: Any
) -> None:
    """Creates the declared permissions that are missing and grants them to their default roles.
    Renames those whose codename or label has changed; whoever has one keeps it.

    A receiver of post_migrate. `apps` holds the models as of the last migration that ran, in which
    the permission tables may be missing.
    """
    try:
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    if not router.allow_migrate_model(using, permission_model):
        return
    ours = permission_model.objects.using(using).filter(content_type__app_label="users")
    rename_permissions(ours)
    known = dict(ours.values_list("codename", "name"))
    for declared in DECLARED_PERMISSIONS.values():
        if declared.codename in known:
            if known[declared.codename] != declared.label:
                ours.filter(codename=declared.codename).update(name=declared.label)
        else:
            with transaction.atomic(using=using):
                grant_to_default_roles(create_permission(declared, using, apps), declared.roles)


def rename_permissions(permissions: Any) -> None:
    """Gives permissions of earlier releases their present codename."""
    for declared in DECLARED_PERMISSIONS.values():
        if declared.formerly and not permissions.filter(codename=declared.codename).exists():
            permissions.filter(codename=declared.formerly).update(codename=declared.codename)


def create_permission(declared: DeclaredPermission, using: str, apps: Any) -> Any:
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = content_types.get_or_create(app_label="users", model=declared.model)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    return permissions.create(
        content_type=content_type, codename=declared.codename, name=declared.label
    )


def grant_to_default_roles(permission: Any, roles: tuple[str, ...]) -> None:
    """Adds the permission to those of `roles` that exist."""
    groups = permission._meta.get_field("group").related_model
    for group in groups.objects.using(permission._state.db).filter(name__in=roles):
        group.permissions.add(permission)
