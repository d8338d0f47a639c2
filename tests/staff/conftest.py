import pytest
from django.test import Client


@pytest.fixture
def client_factory():
    """Another browser, in which this account is signed in."""

    def make(account) -> Client:
        client = Client()
        client.force_login(account)
        return client

    return make
