"""The OpenAPI description: the operations as ninja lists them, with the parameters, bodies, answers
and examples that they share with the pages.
"""

from typing import Any

from users.api.account_json import DETAIL_FIELDS, LEAN_FIELDS
from users.api.body_schemas import proposal_details, verb_details
from users.api.change_details import change_details
from users.api.operations import PREFIX, api, verb_operation_id
from users.api.schemas import (
    AFTER_ID,
    Json,
    account_example,
    answer_json,
    components_json,
    list_example,
    object_schema,
    problem_content,
    query_parameter,
    rows_schema,
    schema_reference,
)
from users.api.verb_calls import API_VERBS
from users.directory.filter import PAGE_SIZES
from users.directory.filters import FILTERS
from users.directory.sorts import SORTS
from users.jobs.views import STATE_VALUES

INTRODUCTION = (
    "Send an API token as “Authorization: Bearer …”. A request can read and change what the token’s"
    " holder can on the pages, limited to the token’s scopes. Errors are problem details (RFC 9457)"
    " that name the invalid parameter or field. Times are in UTC. “RateLimit” says how many"
    " requests remain in this minute, “RateLimit-Policy” how many a minute has."
)
LIST_TEXT = (
    "Takes the filters, sort orders and cursors of the directory’s URL. “count” is what is known"
    " without counting. If “is_complete” is false, more accounts match than could be read in this"
    " order: narrow the filter."
)
ID_LISTS = {
    "listEvents": ("List events of an account", "events", "Event"),
    "listSignIns": ("List sign-ins of an account", "sign_ins", "SignIn"),
    "listEmails": ("List emails to an account", "emails", "Email"),
    "listJobs": ("List jobs", "jobs", "Job"),
}


def filter_parameters_json() -> list[Json]:
    """Returns the parameters of the directory's filter."""
    found = [query_parameter("q", "The search, as typed into the search box", maxLength=200)]
    for name, spec in FILTERS.items():
        example = f", such as {spec.placeholder}" if spec.placeholder else ""
        found.append(query_parameter(name, f"{spec.label}{example}", maxLength=255))
    return found


def fields_parameter(default: str) -> Json:
    text = f"Names of fields, separated by commas; by default {default}"
    return query_parameter("fields", text)


def list_parameters_json() -> list[Json]:
    """Returns the parameters of the list of accounts."""
    sizes = [str(size) for size in PAGE_SIZES]
    return [
        *filter_parameters_json(),
        query_parameter("sort", "The order; by default the newest first", enum=list(SORTS)),
        query_parameter("size", "Accounts on a page", enum=sizes),
        query_parameter("after", "A cursor, as “next” has it"),
        query_parameter("before", "A cursor, as “previous” has it; “end” for the last page"),
        fields_parameter(", ".join(LEAN_FIELDS)),
    ]


def operation_details() -> dict[str, Json]:
    """Returns what ninja does not know about the operations, by their IDs."""
    found = account_details() | id_list_details() | change_details()
    found["showJob"] = {
        "summary": "Show a job",
        "responses": {"200": answer_json(schema_reference("Job"))},
    }
    found["startJob"] = proposal_details()
    return found | {verb_operation_id(verb): verb_details(verb) for verb in API_VERBS.values()}


def account_details() -> dict[str, Json]:
    """Returns the details of the operations that read accounts."""
    counted = object_schema({"count": schema_reference("Count")})
    count_example = {"count": {"value": 366, "kind": "exact"}}
    every_field = account_example(tuple(DETAIL_FIELDS))
    return {
        "listAccounts": {
            "summary": "List accounts",
            "description": LIST_TEXT,
            "parameters": list_parameters_json(),
            "responses": {"200": answer_json(schema_reference("AccountList"), list_example())},
        },
        "countAccounts": {
            "summary": "Count accounts",
            "parameters": filter_parameters_json(),
            "responses": {"200": answer_json(counted, count_example)},
        },
        "showAccount": {
            "summary": "Show an account",
            "parameters": [fields_parameter("all")],
            "responses": {"200": answer_json(schema_reference("Account"), every_field)},
        },
    }


def id_list_details() -> dict[str, Json]:
    """Returns the details of the lists that are ordered by ID."""
    found: dict[str, Json] = {}
    for operation_id, (summary, name, reference) in ID_LISTS.items():
        found[operation_id] = {
            "summary": summary,
            "parameters": [AFTER_ID],
            "responses": {"200": answer_json(rows_schema(name, reference))},
        }
    state = query_parameter("state", "Only jobs in this state", enum=STATE_VALUES)
    found["listJobs"]["parameters"] = [state, AFTER_ID]
    return found


def openapi_description() -> Json:
    """Returns the OpenAPI description of this installation."""
    schema: Json = dict(api.get_openapi_schema(path_prefix=PREFIX))
    schema["info"]["description"] = INTRODUCTION
    details = operation_details()
    for operations in schema["paths"].values():
        for operation in operations.values():
            complete_operation(operation, details[operation["operationId"]])
    schema["components"] = components_json()
    schema["security"] = [{"token": []}]
    return schema


def complete_operation(operation: Json, details: Json) -> None:
    """Adds the details to an operation, and the problem that each may answer with."""
    own: list[Any] = operation.get("parameters", [])
    parameters = [*own, *details.get("parameters", ())]
    operation |= details
    operation["parameters"] = parameters
    operation["responses"] = details["responses"] | {"default": problem_content()}
