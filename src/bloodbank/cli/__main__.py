"""`python -m bloodbank.cli`."""

from bloodbank.cli import main

main()
