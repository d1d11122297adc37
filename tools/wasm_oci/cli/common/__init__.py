"""What several commands share: options, arguments from files, and results."""
