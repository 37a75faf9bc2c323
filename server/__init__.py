"""The server: takes records in, understands them, places experience events on journeys, and shows them."""
