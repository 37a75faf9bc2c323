"""The pages: server-rendered, Chinese and English, nothing fetched from outside the machine."""
