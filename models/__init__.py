"""The nouns that every Voicetrail program speaks: domain and wire types, ids and errors.

No ORM and no weights live here; this package needs the standard library, pydantic and a UUIDv7 library.
"""
