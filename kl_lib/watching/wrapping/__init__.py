"""How calls are noticed: other code inside the libraries' functions, as long as a watch is on."""
