"""Trusted keys and trust stores."""
