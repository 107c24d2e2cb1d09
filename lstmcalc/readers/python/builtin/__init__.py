"""What Python itself gives names: its functions, and the methods of its constants and containers."""
