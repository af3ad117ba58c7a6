"""The console process: WebSockets of browsers and shells, bridged to what the worker opened for each."""
