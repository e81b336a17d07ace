"""What is looked at: which calls, in which graphs, at whose line, and their tensors as numbers."""
