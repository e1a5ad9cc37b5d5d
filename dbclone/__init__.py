"""dbclone writes a synthetic twin of a relational database: same schema, every constraint true, no real row."""

__version__ = "0.1.0"
