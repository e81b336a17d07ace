"""What functions, methods, layers and losses of libraries compute.

`names` gives a function one name, however a file imports it; `operations` has those of arrays,
`layers` layers and distributions, `kl_functions` what computes a KL.
"""
