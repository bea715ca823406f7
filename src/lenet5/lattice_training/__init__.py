"""Training through lattices: a network of digits learns from whole numbers (LeCun 1998, sections VI and VII)."""
