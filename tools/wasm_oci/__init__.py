"""Sign, verify, package, publish and pull WebAssembly components as OCI artifacts."""
