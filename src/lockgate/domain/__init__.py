"""The rules of the registry: no I/O, no clock, standard library only."""
