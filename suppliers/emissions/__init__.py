"""Emissions of purchase records, without a database: a book of factors in, results out.

The method is told in suppliers/README.md, the arithmetic is in suppliers/kernels.
"""
