"""The bodies of the description: the forms of the verbs, and the start of a job."""

from typing import Any

from django import forms
from django.conf import settings

from users.api.account_json import FLAG, NUMBER, TEXT
from users.api.schemas import (
    IF_MATCH,
    JSON_TYPE,
    Json,
    answer_json,
    object_schema,
    schema_reference,
)
from users.bulk.action import BulkAction
from users.bulk.forms import CONFIRMATION_FIELDS
from users.bulk.registry import ordered_actions
from users.verbs.declaration import Verb
from users.web.forms import FlagField
from users.web.moment_field import MomentField

JOB_EXAMPLE = {
    "action": "suspension",
    "filter": "status=active&domain=example.com",
    "count": 366,
    "values": {"reason": "Left the organisation"},
    "key": "leavers-2026-03",
}
TEXT_EXAMPLES = {
    "reason": "Requested by phone",
    "subject": "Your new account",
    "text": "Dear {name}, your account is ready.",
}
JOB_TEXT = (
    "A job that changes many accounts waits until a second person approves it on its page. If a"
    " different number of accounts would change, the response is 409 with both numbers."
)


def proposal_details() -> Json:
    """Returns the details of starting a job."""
    required = ["action", "filter", "count"]
    schema = object_schema(job_properties()) | {"required": required, "additionalProperties": False}
    job = schema_reference("Job")
    return {
        "summary": "Start a job",
        "description": JOB_TEXT,
        "requestBody": request_body_json(schema, JOB_EXAMPLE),
        "responses": {
            "200": answer_json(job, text="The job of an earlier request"),
            "201": answer_json(job, text="Created"),
        },
    }


def job_properties() -> Json:
    """Returns the members of the body that starts a job."""
    actions = [action for action in ordered_actions() if action.allows_tokens()]
    key_text = "The same key returns the same job, so a request can be repeated"
    return {
        "action": {"enum": [action.slug for action in actions]},
        "filter": TEXT | {"description": "The query string of the directory"},
        "count": {
            "type": "integer",
            "minimum": 1,
            "description": "How many accounts you expect to change",
        },
        "values": {"type": "object", "description": values_text(actions)},
        "key": TEXT | {"maxLength": 60, "description": key_text},
    }


def values_text(actions: list[BulkAction]) -> str:
    """Returns which fields each action takes."""
    lines = []
    for action in actions:
        names = [name for name in action.form.base_fields if name not in CONFIRMATION_FIELDS]
        lines.append(f"{action.slug}: {', '.join(names) or 'none'}")
    return f"The fields of the action. {'; '.join(lines)}."


def request_body_json(schema: Json, example: Json) -> Json:
    content = {"schema": schema, "example": example}
    return {"required": True, "content": {JSON_TYPE: content}}


def verb_details(verb: Verb) -> Json:
    """Returns the details of a verb, whose body is its form."""
    explanation = verb.texts.explanation if verb.texts else ""
    # The explanations of some verbs depend on the account.
    description = explanation if isinstance(explanation, str) else ""
    schema, example = form_schema(verb.form().fields)
    return {
        "summary": verb.label,
        "description": description,
        "parameters": [IF_MATCH],
        "requestBody": request_body_json(schema, example),
        "responses": {"200": answer_json(schema_reference("Account"))},
    }


def form_schema(fields: dict[str, forms.Field]) -> tuple[Json, Json]:
    """Returns the schema of a form's body, and an example."""
    properties = {name: field_schema(field) for name, field in fields.items()}
    required = []
    example: Json = {}
    for name, field in fields.items():
        if name == "version":
            properties[name]["description"] = "Of the account as you know it"
            example[name] = 3
        elif field.required:
            required.append(name)
            example[name] = field_example(name, field)
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return schema, example


def field_schema(field: forms.Field) -> Json:
    """Returns the schema of a field of a form."""
    schema: Json = dict(TEXT)
    if isinstance(field, forms.BooleanField | FlagField):
        schema = dict(FLAG)
    elif isinstance(field, MomentField):
        schema = {"type": "string", "format": "date-time"}
    elif isinstance(field, forms.IntegerField):
        schema = dict(NUMBER)
    elif isinstance(field, forms.ModelMultipleChoiceField | forms.MultipleChoiceField):
        schema = {"type": "array", "items": {"type": ["integer", "string"]}}
    elif isinstance(field, forms.ModelChoiceField):
        schema = {"type": ["integer", "string"]}
    elif isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        schema = {"enum": [value for value, _ in choices]}
    if getattr(field, "max_length", None):
        schema["maxLength"] = field.max_length  # type: ignore[attr-defined]
    if field.label:
        schema["title"] = str(field.label)
    return schema


def field_example(name: str, field: forms.Field) -> Any:
    """Returns a value for the example of a body."""
    if isinstance(field, forms.BooleanField | FlagField):
        return True
    if isinstance(field, MomentField):
        return "2030-12-31T12:00:00Z"
    if name == "ticket":
        return settings.TICKET_EXAMPLE or "T-1"
    return TEXT_EXAMPLES.get(name, "text")
