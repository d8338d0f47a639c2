"""Adds and removes indexes of tables that web processes are writing to.

Migrations import this module, so what it does to a database must not change.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddIndex, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Index, Model


class OnlineOperation(Operation):
    """An operation that calls `forwards_online` and `backwards_online` on PostgreSQL. On SQLite it
    is the plain operation: there is only one writer, which waits in any case.

    The migration needs `atomic = False`, and may be repeated.
    """

    atomic = False
    model_name: str

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.is_allowed(app_label, schema_editor, to_state):
            self.forwards_online(app_label, schema_editor, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        elif self.is_allowed(app_label, schema_editor, to_state):
            self.backwards_online(app_label, schema_editor, to_state)

    def is_allowed(self, app_label: str, editor: Any, state: ProjectState) -> bool:
        """Returns whether this database has migrations."""
        model = state.apps.get_model(app_label, self.model_name)
        return self.allow_migrate_model(editor.connection.alias, model)

    def forwards_online(self, app_label: str, editor: Any, state: ProjectState) -> None:
        raise NotImplementedError

    def backwards_online(self, app_label: str, editor: Any, state: ProjectState) -> None:
        raise NotImplementedError

    def build_index(self, app_label: str, editor: Any, state: ProjectState, index: Index) -> None:
        """Builds an index. One that an interrupted build has left is invalid, and is dropped
        first.
        """
        model: type[Model] = state.apps.get_model(app_label, self.model_name)
        drop_index_online(editor, index.name)
        editor.add_index(model, index, concurrently=True)


class AddIndexOnline(OnlineOperation, AddIndex):
    """Adds an index without blocking writers."""

    def forwards_online(self, app_label: str, editor: Any, state: ProjectState) -> None:
        self.build_index(app_label, editor, state, self.index)

    def backwards_online(self, app_label: str, editor: Any, state: ProjectState) -> None:
        drop_index_online(editor, self.index.name)


class RemoveIndexOnline(OnlineOperation, RemoveIndex):
    """Removes an index without blocking readers or writers."""

    def forwards_online(self, app_label: str, editor: Any, state: ProjectState) -> None:
        drop_index_online(editor, self.name)

    def backwards_online(self, app_label: str, editor: Any, state: ProjectState) -> None:
        model_state = state.models[app_label, self.model_name_lower]
        self.build_index(app_label, editor, state, model_state.get_index_by_name(self.name))


def drop_index_online(editor: Any, name: str) -> None:
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(name)}", params=None)
