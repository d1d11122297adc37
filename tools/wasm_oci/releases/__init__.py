"""Releases as one object: publishing, comparing, verifying, promoting and archiving them."""
