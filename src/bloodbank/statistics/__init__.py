"""Tests, permutations and rank agreement that several rooms use; arrays in, numbers out."""
