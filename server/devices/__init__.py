"""Devices: how they get an identity, and how a batch proves which device sent it."""
