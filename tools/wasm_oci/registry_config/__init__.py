"""What `wkg_registry_config` reads and writes: registry strings, its file in YAML, and the configuration of wkg."""
