"""What CHECK constraints say: parsed into a tree of our own, evaluated over Arrow columns, and made true by repair."""
