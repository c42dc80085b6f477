"""Lockgate beside what a user would pick instead: the same data, the same load, one run.

    python -m bench.peers [--quick] [--databases sqlite postgresql] [--sizes 1000 100000]

Ratios come first: both servers run on one machine in one run, one after the other, driven by one
and the same generator of load in a process of its own.
"""
