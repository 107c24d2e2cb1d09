"""Every prediction held against numbers: ours, the user's and other frameworks'."""
