"""`python -m farview` is the command `farview`."""

from farview.cli import main

main()
