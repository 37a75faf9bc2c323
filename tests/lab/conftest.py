"""What of the lab this machine can import."""

import sys

# dbus-fast comes with bleak on Linux only.
collect_ignore = [] if sys.platform == "linux" else ["test_bluez.py"]
