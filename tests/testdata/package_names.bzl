"""Package names and what they are in a repository: read by the tests of Starlark and of Python."""

PACKAGE_PATHS = {
    "examples/hello": "examples/hello",
    "hello": "hello",
    "my-org/team:hello": "my-org/team/hello",
    "my-org:hello": "my-org/hello",
}
NOT_PACKAGES = [
    "",
    ":hello",
    "Hello",
    "a:b:c",
    "hello@1.0.0",
    "my-org:",
    "my-org::hello",
]
