"""Policies applied: to what is published, before anything is written, and to what is pulled, before it gets its name."""
