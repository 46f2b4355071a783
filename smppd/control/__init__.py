"""What can be asked of a running server, and done to it: by the HTTP API, by tests in the same process, by the CLI."""
