"""Repositories that are read from: with mirrors that have the same content, and with a cache on this machine."""
