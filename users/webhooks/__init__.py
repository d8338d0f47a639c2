"""Tells other systems what happened to accounts: by webhooks and by security event tokens."""
