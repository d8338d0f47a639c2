"""The page of the people on the staff and their roles."""

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access, masking
from users.exceptions import BadParameter
from users.staff.people import SIZE, describe_people, find_staff
from users.staff.staff_tabs import staff_tabs
from users.web.paging import newest_page
from users.web.query_string import (
    check_parameters,
    drops_empty_parameters,
    parse_id_parameter,
    refuse_bad_parameters,
)

PATH = "/staff/"
TEXT_MAX = 100


@drops_empty_parameters
@require_safe
def index(request) -> HttpResponse:
    access.require(request.user, "view_roles")
    access.require(request.user, "view")
    with refuse_bad_parameters(back=PATH):
        check_parameters(request.GET, "q", "role", "after")
        role = role_parameter(request.GET.get("role", ""))
        text = request.GET.get("q", "").strip()[:TEXT_MAX]
        after = parse_id_parameter("after", request.GET.get("after", ""))
    found = find_staff(role, text, masked=masking.hides_personal_data(request.user))
    page = newest_page(found, SIZE, after)
    chosen = role.pk if role else ""
    context = {
        "people": describe_people(page.rows, request.user),
        "roles": list(Group.objects.order_by("pk").values_list("pk", "name")),
        "role": chosen,
        "q": text,
        "tabs": staff_tabs(request.user),
        "may_invite": access.may(request.user, "invite"),
    }
    links = page.links(PATH, q=text, role=chosen)
    return render(request, "users/staff/index.html", context | links)


def role_parameter(value: str) -> Group | None:
    """Returns the role with this ID. Raises BadParameter."""
    pk = parse_id_parameter("role", value)
    role = Group.objects.filter(pk=pk).first() if 0 < pk < 2**31 else None
    if pk and role is None:
        raise BadParameter("role", "This role does not exist.")
    return role
