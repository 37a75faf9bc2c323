"""The staff console: pages that this device itself serves, and the door for network microphones."""
