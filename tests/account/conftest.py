"""A person of whom much is known."""

import pytest

from tests.account.everywhere import imported
from users.models import User


@pytest.fixture
def person(tmp_path, settings) -> User:
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
    return imported(tmp_path)
