"""Common parts of the benchmarks: its command line, the machine, programs and servers."""
