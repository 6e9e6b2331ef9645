"""`python -m vasari` is the command `vasari`."""

import sys

from vasari.cli import main

if __name__ == "__main__":
    sys.exit(main())
