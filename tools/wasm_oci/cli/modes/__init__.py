"""Further uses of a command, a module each: its request file, many files, and the actions of `key`."""
