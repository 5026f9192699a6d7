"""`python -m semflow`: the command `semflow`."""

import sys

from flows.cli.main import main

sys.exit(main())
