"""What ``make bench`` measures: whole commands, beside a named peer in the same run."""
