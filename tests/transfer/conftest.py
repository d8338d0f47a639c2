from tests.transfer.importer import importing

__all__ = ["importing"]
