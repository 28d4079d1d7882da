"""What ``make fuzz`` runs: broken Avro, by the million, each piece of which gives right rows or a clean error.

A *case* is a number. With the seed it decides everything: which block, batch, file, header or schema is taken, what is
done to it and what is checked, so that each case can be run again alone. :mod:`campaign` runs cases in a child process
with bounded memory and time, :mod:`worker` is that process.
"""
