"""Imports of accounts from files."""
