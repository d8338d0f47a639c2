"""The pages of roles: the matrix, one role, and creating, changing and deleting one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from users import access, masking
from users.access_setup import DECLARED_PERMISSIONS
from users.exceptions import BadParameter
from users.models import User
from users.role_grants import Membership, administrator_roles
from users.staff.roles.changes import change_refusal, change_role, create_staff_role, delete_role
from users.staff.roles.forms import RoleDeletionForm, RoleForm, role_digest, text_digest
from users.staff.roles.role_list import (
    RoleEntry,
    ability_texts,
    load_roles,
    permission_matrix,
    role_entry,
)
from users.staff.staff_tabs import staff_tabs
from users.sudo.recent import require_sudo
from users.verbs.form_submission import submit_form
from users.web.forms import form_page, form_status, posted_data
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/staff/roles/"
HOLDERS_SHOWN = 20
# More than any table of roles has; PostgreSQL refuses larger numbers.
LARGEST_GROUP_ID = 2**31 - 1


@require_safe
def index(request) -> HttpResponse:
    access.require(request.user, "view_roles")
    roles = load_roles()
    context = {
        "roles": roles,
        "matrix": permission_matrix(roles),
        "tabs": staff_tabs(request.user),
        "may_manage": access.may(request.user, "manage_roles"),
    }
    return render(request, "users/staff/roles.html", context)


@require_safe
def show(request, pk: int) -> HttpResponse:
    access.require(request.user, "view_roles")
    role = get_role(pk)
    may_manage = access.may(request.user, "manage_roles")
    context = {
        "role": role,
        "holders": some_holders(role.group, request.user),
        "may_manage": may_manage,
        "refusal": change_refusal(request.user, role.group, set()) if may_manage else "",
    }
    return render(request, "users/staff/role.html", context)


@form_page
def new(request) -> HttpResponse:
    """Creates a role, with `?copy=` from the permissions of another one."""
    access.require(request.user, "manage_roles")
    require_sudo(request, "manage_roles")
    held = held_codenames(request.user)
    initial = copied_values(request, held)
    form = RoleForm(posted_data(request), held=held, initial=initial)
    group = submit_form(form, create_staff_role, by=request.user)
    if group:
        messages.success(request, f"Role {group.name} created.")
        return redirect("staff-role", group.pk)
    context = {"form": form, "is_new": True}
    return render(request, "users/staff/role_form.html", context, status=form_status(form))


@form_page
def edit(request, pk: int) -> HttpResponse:
    """Changes a role. A change that concerns its holders is shown before it is saved."""
    access.require(request.user, "manage_roles")
    role = get_role(pk)
    refuse_rank(request.user, role)
    require_sudo(request, "manage_roles")
    held = held_codenames(request.user)
    initial = role_initial(role)
    form = RoleForm(posted_data(request), held=held, current=role, initial=initial)
    impact = role_impact(role, form) if form.is_valid() else None
    if impact is None and submit_form(form, change_role, role.group, by=request.user):
        messages.success(request, f"Role {form.cleaned_data['name']} saved.")
        return redirect("staff-role", pk)
    context = {"form": form, "role": role, "impact": impact}
    status = 200 if impact else form_status(form)
    return render(request, "users/staff/role_form.html", context, status=status)


@form_page
def delete(request, pk: int) -> HttpResponse:
    access.require(request.user, "manage_roles")
    role = get_role(pk)
    refuse_rank(request.user, role)
    require_sudo(request, "manage_roles")
    form = RoleDeletionForm(posted_data(request), group=role.group)
    if form.is_valid():
        name = role.group.name
        submit_form(form, delete_role, role.group, by=request.user)
        if not form.errors:
            messages.success(request, f"Role {name} deleted.")
            return redirect("staff-roles")
    context = {
        "form": form,
        "role": role,
        "holders": some_holders(role.group, request.user),
    }
    return render(request, "users/staff/role_delete.html", context, status=form_status(form))


def get_role(pk: int) -> RoleEntry:
    """Returns a role. Raises Http404."""
    groups = Group.objects.select_related("role_settings")
    group = groups.filter(pk=pk).first() if pk <= LARGEST_GROUP_ID else None
    if group is None:
        raise Http404
    return role_entry(group, bool(administrator_roles([group])))


def refuse_rank(viewer: Any, role: RoleEntry) -> None:
    """Raises Denied if the viewer may not change this role at all."""
    if refusal := change_refusal(viewer, role.group, set()):
        raise access.Denied("manage_roles", refusal)


def held_codenames(viewer: Any) -> set[str]:
    """Returns the declared permissions that the viewer may grant."""
    if viewer.is_superuser:
        return set(DECLARED_PERMISSIONS)
    held = viewer.get_all_permissions()
    return {name for name in DECLARED_PERMISSIONS if f"users.{name}" in held}


def copied_values(request, held: set[str]) -> dict[str, Any]:
    """Returns the initial values of a new role. Raises BadRequest for a bad parameter."""
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "copy")
        pk = parse_id_parameter("copy", request.GET.get("copy", ""))
        if not pk:
            return {}
        try:
            role = get_role(pk)
        except Http404 as error:
            raise BadParameter("copy", "This role does not exist.") from error
    name = f"Copy of {role.group.name}"
    return {"name": name, "permissions": sorted(role.codenames & held)}


def role_initial(role: RoleEntry) -> dict[str, Any]:
    return {
        "name": role.group.name,
        "permissions": sorted(role.codenames),
        "requestable": role.settings.requestable,
        "approver": role.settings.approver_id,
        "sudo_minutes": role.settings.sudo_minutes,
        "seen": role_digest(role),
    }


def role_impact(role: RoleEntry, form: RoleForm) -> dict[str, Any] | None:
    """Returns who gains and loses what; None if nobody does, or if it was confirmed already."""
    declared = role.codenames & DECLARED_PERMISSIONS.keys()
    gained = form.chosen - declared
    lost = declared - form.chosen
    digest = text_digest([*sorted(gained), "-", *sorted(lost)])
    if not role.members or not (gained or lost) or form.cleaned_data["confirmed"] == digest:
        return None
    form.set_hidden("confirmed", digest)
    return {"gained": ability_texts(gained), "lost": ability_texts(lost)}


def some_holders(group: Group, viewer: Any) -> list[User]:
    """Returns the first holders of a role as the viewer may see them."""
    members = Membership.objects.filter(group=group).order_by("user_id").values("user_id")
    ids = [row["user_id"] for row in members[:HOLDERS_SHOWN]]
    return masking.mask_accounts(list(User.objects.filter(pk__in=ids).order_by("pk")), viewer)
