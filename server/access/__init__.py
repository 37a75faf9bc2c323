"""Who may ask the server for what: API keys of programs, accounts of people."""
