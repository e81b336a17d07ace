"""Which files are read, and the Python in them.

`found` goes through folders, `mentions` leaves out what has no KL in it, `notebooks` makes one
program of the cells of a notebook, and `parsing` the tree of a program.
"""
