"""What every benchmark needs: its command line, the machine, programs and servers."""
