"""Requests to receivers that operators or staff name: addresses, time limits and signatures."""
