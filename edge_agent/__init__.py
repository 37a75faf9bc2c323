"""The device beside the people: hears, writes down on the spot, and sends only text."""
