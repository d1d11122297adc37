"""Looking at policies and verdicts: explaining, comparing, and finding mistakes. Pure, as all of `policy`."""
