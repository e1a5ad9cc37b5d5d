"""dbclone writes a synthetic twin of a relational database: same schema, every constraint true, none of the real rows."""

__version__ = "0.1.0"
