"""Notifies other systems of changes to accounts, by webhooks and security event tokens."""
