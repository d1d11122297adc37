"""A registry on this machine: OCI distribution specification 1.1, stored as plain OCI image layouts."""
