"""The scripts that the pages need, fetched from npm by lock file when the program is built."""
