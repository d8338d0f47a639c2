from tests.transfer.imports.importer import importing

__all__ = ["importing"]
