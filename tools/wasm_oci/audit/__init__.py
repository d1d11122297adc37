"""Records of what is published, refused and promoted, in a log."""
