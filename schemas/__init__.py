"""Example databases.

Per folder the tables in each dialect's SQL, a seeded generator (``data.py``), the facts planted (``facts.toml``).
"""
