"""The version, in one place: the package, its reports and its builds read it here."""

__version__ = "0.2.0"
