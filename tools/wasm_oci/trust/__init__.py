"""Whom to trust."""
