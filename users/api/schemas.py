"""The JSON schemas of the description, and the parts from which it is put together."""

from typing import Any

from users.api.account_json import (
    ACCOUNT_JSON,
    DETAIL_FIELDS,
    FLAG,
    LEAN_FIELDS,
    NUMBER,
    TEXT,
    TIME,
)
from users.web.problem_json import PROBLEM_TYPE

Json = dict[str, Any]
JSON_TYPE = "application/json"
MAYBE_TEXT = {"type": ["string", "null"]}
MAYBE_NUMBER = {"type": ["integer", "null"]}
COUNT = {
    "type": "object",
    "required": ["value", "kind"],
    "properties": {
        "value": MAYBE_NUMBER,
        "kind": {"enum": ["exact", "at_least", "estimate", "unknown"]},
        "estimate": NUMBER,
    },
}
EVENT = {
    "id": NUMBER,
    "at": TIME,
    "action": TEXT,
    "actor_id": MAYBE_NUMBER,
    "actor": TEXT,
    "target_id": MAYBE_NUMBER,
    "version": MAYBE_NUMBER,
    "before": {"type": "object"},
    "after": {"type": "object"},
    "reason": TEXT,
    "ticket": TEXT,
    "ip": MAYBE_TEXT,
    "session_id": MAYBE_TEXT,
    "job_id": MAYBE_NUMBER,
}
SIGN_IN = {
    "id": NUMBER,
    "at": TIME,
    "method": TEXT,
    "outcome": TEXT,
    "ip": MAYBE_TEXT,
    "user_agent": TEXT,
}
MAIL = {
    "id": NUMBER,
    "kind": TEXT,
    "to": TEXT,
    "state": TEXT,
    "delivery": MAYBE_TEXT,
    "created_at": TIME,
    "sent_at": TIME,
    "error": TEXT,
}
JOB = {
    "id": NUMBER,
    "kind": TEXT,
    "title": TEXT,
    "state": TEXT,
    "by_id": MAYBE_NUMBER,
    "by": TEXT,
    "reason": TEXT,
    "ticket": TEXT,
    "filter": TEXT,
    "expected": MAYBE_NUMBER,
    "planned": MAYBE_NUMBER,
    "selected": NUMBER,
    "changed": NUMBER,
    "unchanged": NUMBER,
    "skipped": NUMBER,
    "failed": NUMBER,
    "created_at": TIME,
    "started_at": TIME,
    "ended_at": TIME,
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": NUMBER,
        "detail": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "parameter": TEXT,
                    "header": TEXT,
                    "pointer": TEXT,
                    "detail": TEXT,
                },
            },
        },
    },
}
PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "There is no parameter “sise”. Did you mean “size”?",
    "errors": [
        {
            "parameter": "sise",
            "detail": "There is no parameter “sise”. Did you mean “size”?",
        }
    ],
}
NEXT = "The URL of the next page, or null."
AFTER_ID = {
    "name": "after",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1},
    "description": "The ID after which the page starts; “next” has it.",
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": TEXT,
    "description": "The ETag of the account, in place of “version” in the body.",
}
OPTIONAL_MATCH = IF_MATCH | {"description": "The ETag of the account, to change only that version."}


def account_schema() -> Json:
    """Returns the schema of an account."""
    properties = {}
    for field in ACCOUNT_JSON:
        extra = {"description": field.description} if field.description else {}
        properties[field.name] = field.schema | extra
    return {"type": "object", "properties": properties}


def account_example(names: tuple[str, ...]) -> Json:
    return {name: DETAIL_FIELDS[name].example for name in names}


def object_schema(properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def rows_schema(name: str, reference: str) -> Json:
    """Returns the schema of a page of rows."""
    rows = {"type": "array", "items": schema_reference(reference)}
    properties = {name: rows, "next": MAYBE_TEXT | {"description": NEXT}}
    return object_schema(properties)


def schema_reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def answer_json(schema: Json, example: Any = None, text: str = "OK") -> Json:
    """Returns the description of one answer."""
    content: Json = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"description": text, "content": {JSON_TYPE: content}}


def query_parameter(name: str, description: str, **schema: Any) -> Json:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": TEXT | schema,
    }


def components_json() -> Json:
    """Returns the schemas that operations refer to, and how requests authenticate."""
    lists = {
        "accounts": {"type": "array", "items": schema_reference("Account")},
        "count": schema_reference("Count"),
        "is_complete": FLAG,
        "next": MAYBE_TEXT | {"description": NEXT},
        "previous": MAYBE_TEXT,
    }
    schemas = {
        "Account": account_schema(),
        "AccountList": object_schema(lists),
        "Count": COUNT,
        "Event": object_schema(EVENT),
        "SignIn": object_schema(SIGN_IN),
        "Email": object_schema(MAIL),
        "Job": object_schema(JOB),
        "Problem": PROBLEM,
    }
    scheme = {"type": "http", "scheme": "bearer"}
    return {"schemas": schemas, "securitySchemes": {"token": scheme}}


def problem_content() -> Json:
    """Returns the answer to every request that is refused."""
    content = {"schema": schema_reference("Problem"), "example": PROBLEM_EXAMPLE}
    return {"description": "A problem", "content": {PROBLEM_TYPE: content}}


def list_example() -> Json:
    return {
        "accounts": [account_example(LEAN_FIELDS)],
        "count": {"value": 1, "kind": "exact"},
        "is_complete": True,
        "next": None,
        "previous": None,
    }
