"""The description of the API: as a page and a file for staff, and for programs with a token."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from users import access
from users.api.answers import json_response
from users.api.description import openapi_description
from users.api.description_page import operation_groups
from users.api.problems import ApiProblem
from users.api.query import require_parameters


@require_safe
def index(request: Any) -> HttpResponse:
    """Shows the description as a page, without scripts."""
    access.require(request.user, "view")
    described = openapi_description()
    context = {
        "introduction": described["info"]["description"],
        "groups": operation_groups(described),
    }
    return render(request, "users/api/index.html", context)


@require_safe
def openapi_file(request: Any) -> HttpResponse:
    """Sends the description to staff, for tools that read it from a file."""
    access.require(request.user, "view")
    response = json_response(openapi_description())
    response["Content-Disposition"] = 'attachment; filename="rollcall-openapi.json"'
    return response


def openapi_answer(request: Any) -> HttpResponse:
    """Sends the description to a program."""
    if request.method != "GET":
        raise ApiProblem(405, "Allowed: GET, HEAD.", headers={"Allow": "GET, HEAD"})
    access.require(request.user, "view")
    require_parameters(request.GET, ())
    return json_response(openapi_description())
