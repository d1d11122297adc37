"""Command lines: arguments in, one result out, errors turned into exit codes."""
