"""SCIM 2.0 (RFC 7643, 7644, 9865): identity providers create and change accounts of their source.

scim2-server reads requests and writes answers; `storage.ProvisionedStorage` is what it calls. Each
change is one of the verbs or of users/scim/provisioning.py, with the token's holder as its actor.
"""
