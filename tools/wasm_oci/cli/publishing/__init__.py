"""What the commands that publish share: their options, the release that they ask for, and its result."""
