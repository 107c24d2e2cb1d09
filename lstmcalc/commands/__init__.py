"""One folder for each command: its report and its view."""
