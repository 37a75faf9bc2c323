"""Every table, for SQLite and PostgreSQL alike, in modules named as the packages of the server that write them.

The tenant is the first column of every key. Whoever imports one table has declared all of them, so the metadata that
migrations are held against is never short of one.
"""

from server.store.tables import access, analysis, conversations, customers, devices, events, journeys

__all__ = ["access", "analysis", "conversations", "customers", "devices", "events", "journeys"]
