"""Networks that grow by stages: each fitted to what those before it leave, then all of them back-fitted."""
