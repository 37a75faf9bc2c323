"""From labels to experience events: rules as data, and a pure function over one conversation."""
