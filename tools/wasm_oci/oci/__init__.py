"""OCI: references, descriptors, manifests, layouts, and the distribution protocol."""
