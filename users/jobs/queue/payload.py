"""The text of a queued task: JSON with the task's dotted path, its arguments and the number of the
attempt.

Whoever can write to the table of the queue can write such a text. So it is checked when it is read:
the worker runs functions of a fixed list, with a few ids as arguments.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

MAX_LENGTH = 2000
MAX_ARGUMENTS = 4


class RefusedTaskError(Exception):
    """Says why a queued task is not run."""


@dataclass(frozen=True)
class QueuedTask:
    """A task that waits in the queue. `attempt` counts from 1."""

    path: str
    ids: tuple[int | str, ...] = ()
    attempt: int = 1


def write_payload(task: QueuedTask) -> str:
    return json.dumps(
        {
            "task": task.path,
            "ids": task.ids,
            "attempt": task.attempt,
        }
    )


def read_payload(payload: str) -> QueuedTask:
    """Returns the task of a payload. Raises RefusedTaskError."""
    if len(payload) > MAX_LENGTH:
        raise RefusedTaskError("it is too long")
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise RefusedTaskError("it is not JSON") from error
    if not isinstance(fields, dict) or fields.keys() != {"task", "ids", "attempt"}:
        raise RefusedTaskError("its fields are not those of a task")
    task = QueuedTask(fields["task"], fields["ids"], fields["attempt"])
    check_types(task)
    return QueuedTask(task.path, tuple(task.ids), task.attempt)


def check_types(task: QueuedTask) -> None:
    """Raises RefusedTaskError unless the path is text, the ids are ids and the attempt a number
    from 1.
    """
    if not isinstance(task.path, str) or type(task.attempt) is not int:
        raise RefusedTaskError("its fields have wrong types")
    if task.attempt < 1:
        raise RefusedTaskError("its attempt is not counted from 1")
    if not isinstance(task.ids, list) or len(task.ids) > MAX_ARGUMENTS:
        raise RefusedTaskError("its ids are no short list")
    if not all(type(value) in (int, str) for value in task.ids):
        raise RefusedTaskError("its ids are neither numbers nor text")


def load_functions(paths: Iterable[str]) -> dict[str, Callable]:
    """Imports the functions of the fixed list `paths`, which comes from the code."""
    functions = {}
    for path in paths:
        module, _, name = path.rpartition(".")
        functions[path] = getattr(import_module(module), name)
    return functions
