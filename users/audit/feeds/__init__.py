"""Sends sealed audit events to other systems: in the form of OCSF, by webhook and by syslog."""
