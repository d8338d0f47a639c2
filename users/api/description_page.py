"""Prepares the OpenAPI description for the page that shows it."""

import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class ShownValue:
    """A parameter, or a field of a body."""

    name: str
    type: str
    description: str
    is_required: bool = False


@dataclass(frozen=True)
class ShownOperation:
    """One operation. `example` is that of the answer, `sent` that of the body, both as JSON."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[ShownValue] = field(default_factory=list)
    members: list[ShownValue] = field(default_factory=list)
    sent: str = ""
    example: str = ""


def operation_groups(described: Json) -> dict[str, list[ShownOperation]]:
    """Returns the operations by their tag, in the order of the description."""
    groups: dict[str, list[ShownOperation]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            shown = shown_operation(path, method, operation)
            groups.setdefault(operation["tags"][0], []).append(shown)
    return groups


def shown_operation(path: str, method: str, operation: Json) -> ShownOperation:
    body = json_content(operation.get("requestBody", {}))
    success = operation["responses"].get("200", {})
    return ShownOperation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        parameters=[shown_parameter(each) for each in operation["parameters"]],
        members=shown_members(body.get("schema", {})),
        sent=example_text(body),
        example=example_text(json_content(success)),
    )


def json_content(part: Json) -> Json:
    """Returns the JSON content of a body or an answer; {} if it has none."""
    content: Json = part.get("content", {}).get("application/json", {})
    return content


def example_text(content: Json) -> str:
    if "example" not in content:
        return ""
    return json.dumps(content["example"], indent=2, ensure_ascii=False)


def shown_parameter(parameter: Json) -> ShownValue:
    return ShownValue(
        name=parameter["name"],
        type=type_words(parameter["schema"]),
        description=parameter.get("description", ""),
        is_required=parameter.get("required", False),
    )


def shown_members(schema: Json) -> list[ShownValue]:
    """Returns the members of a body."""
    required = schema.get("required", ())
    found = []
    for name, each in schema.get("properties", {}).items():
        value = ShownValue(
            name=name,
            type=type_words(each),
            description=each.get("description") or each.get("title", ""),
            is_required=name in required,
        )
        found.append(value)
    return found


def type_words(schema: Json) -> str:
    """Returns a schema in words, such as "string or null"."""
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"] if value != "")
    types = schema.get("type", "any")
    if isinstance(types, list):
        return " or ".join(types)
    form = schema.get("format")
    return f"{types} ({form})" if form else str(types)
