"""Exports of accounts to files."""
