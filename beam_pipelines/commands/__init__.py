"""What the subcommands of ``retail`` do; cli.py parses their options and reports their errors."""
