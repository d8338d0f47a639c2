"""The details of the changes in account_changes.py, for the description."""

from typing import Any

from users.api.account_changes import UNVERSIONED_VERBS
from users.api.account_json import DETAIL_FIELDS
from users.api.body_schemas import form_schema, request_body_json
from users.api.operations import verb_operation_id
from users.api.schemas import (
    IF_MATCH,
    MAYBE_TEXT,
    NUMBER,
    OPTIONAL_MATCH,
    TEXT,
    Json,
    account_example,
    answer_json,
    object_schema,
    schema_reference,
)
from users.fields import PROFILE_FIELDS
from users.verbs.forms import UnversionedReasonForm
from users.verbs.invitation.page import InviteForm
from users.verbs.profile.page import ProfileForm
from users.verbs.reveal.page import RevealForm
from users.verbs.reveal.verb import REVEALED_FIELDS

INVITE_TEXT = "The person gets an email with a link to choose a password. No token can give roles."
EDIT_TEXT = (
    "Only the fields of the body change; null or an empty text clears one. Changes that someone"
    " else has made to other fields since your version are kept."
)
REVEAL_TEXT = (
    "Returns personal data that is masked for the token. Each reveal is recorded, with the reason,"
    " and counts towards an hourly limit."
)
NO_VERSION_TEXT = "The account keeps its version."
SESSION = {
    "id": TEXT | {"format": "uuid"},
    "created_at": TEXT | {"format": "date-time"},
    "last_used_at": TEXT | {"format": "date-time"},
    "ip": MAYBE_TEXT,
    "user_agent": TEXT,
}
SESSION_EXAMPLE = {
    "id": "0b5d1f5e-7f0a-4a53-9a5e-0c6a4f1f2b11",
    "created_at": "2026-03-31T12:00:00Z",
    "last_used_at": "2026-04-02T08:30:00Z",
    "ip": "192.0.2.1",
    "user_agent": "Mozilla/5.0",
}
NAME_EXAMPLE = {"first_name": "Ada", "last_name": "Lovelace"}


def change_details() -> dict[str, Json]:
    """Returns the details of the operations, by their IDs."""
    found = {
        "invitePerson": invite_details(),
        "editAccount": edit_details(),
        "revealAccount": reveal_details(),
        "listSessions": session_list_details(),
        "endSession": unversioned_details("End a session"),
        "inviteAgain": {
            "summary": "Invite again",
            "parameters": [OPTIONAL_MATCH],
            "responses": account_answer(),
        },
    }
    for operation_id, label in unversioned_labels().items():
        found[operation_id] = unversioned_details(label)
    return found


def account_answer(status: str = "200", text: str = "OK") -> Json:
    return {status: answer_json(schema_reference("Account"), text=text)}


def invite_details() -> Json:
    """Returns the details of creating an account."""
    fields = InviteForm(with_roles=False).fields
    schema, _ = form_schema(fields)
    example = NAME_EXAMPLE | {"email": "ada@example.com", "username": "ada"}
    return {
        "summary": "Invite a person",
        "description": INVITE_TEXT,
        "requestBody": request_body_json(schema, example),
        "responses": account_answer("201", "Created, with the URL in Location"),
    }


def edit_details() -> Json:
    """Returns the details of changing fields of the profile."""
    form = ProfileForm()
    names = ["version", *PROFILE_FIELDS]
    schema, _ = form_schema({name: form.fields[name] for name in names})
    del schema["required"]
    return {
        "summary": "Edit fields",
        "description": EDIT_TEXT,
        "parameters": [IF_MATCH],
        "requestBody": request_body_json(schema, NAME_EXAMPLE | {"version": 3}),
        "responses": account_answer(),
    }


def reveal_details() -> Json:
    """Returns the details of revealing personal data."""
    schema, sent = form_schema(RevealForm(with_reason=True).fields)
    shown: dict[str, Any] = {name: DETAIL_FIELDS[name].schema for name in REVEALED_FIELDS}
    example = account_example(("id", *REVEALED_FIELDS))
    answer = answer_json(object_schema({"id": NUMBER} | shown), example)
    return {
        "summary": "Reveal personal data",
        "description": REVEAL_TEXT,
        "requestBody": request_body_json(schema, sent),
        "responses": {"200": answer},
    }


def session_list_details() -> Json:
    rows = {"type": "array", "items": object_schema(SESSION)}
    answer = answer_json(object_schema({"sessions": rows}), {"sessions": [SESSION_EXAMPLE]})
    return {"summary": "List sessions of an account", "responses": {"200": answer}}


def unversioned_labels() -> dict[str, str]:
    """Returns the labels of the verbs that take nothing but a reason, by operation ID."""
    return {verb_operation_id(verb): verb.label for verb in UNVERSIONED_VERBS.values()}


def unversioned_details(summary: str) -> Json:
    schema, sent = form_schema(UnversionedReasonForm().fields)
    return {
        "summary": summary,
        "description": NO_VERSION_TEXT,
        "parameters": [OPTIONAL_MATCH],
        "requestBody": request_body_json(schema, sent | {"reason": "Stolen device"}),
        "responses": account_answer(),
    }
