"""`python -m lenet5`, equivalent to the command `lenet5`."""

from lenet5.cli.main import run

if __name__ == "__main__":
    run()
