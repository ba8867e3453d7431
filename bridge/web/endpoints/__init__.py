"""The endpoints of the API, one module for each kind of resource, and what only they use."""
