"""Classes of libraries, as ordinary Python that the machine interprets like the code of a file."""
