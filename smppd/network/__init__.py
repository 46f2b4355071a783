"""The simulated mobile network behind the routes."""
