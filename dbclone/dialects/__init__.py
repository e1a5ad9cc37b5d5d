"""The only place that knows a database product: its connections, catalogue, types and bulk paths."""
