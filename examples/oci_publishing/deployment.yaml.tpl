# For containerd with a WebAssembly shim (runwasi), which the runtime class names.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  selector:
    matchLabels:
      app: hello
  template:
    metadata:
      labels:
        app: hello
    spec:
      runtimeClassName: wasmtime
      containers:
        - name: hello
          image: {reference}
---
# For Flux, which fetches the artifact by the same digest.
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: hello
spec:
  interval: 10m
  url: oci://{repository}
  ref:
    digest: {digest}
  layerSelector:
    mediaType: application/wasm
    operation: copy
