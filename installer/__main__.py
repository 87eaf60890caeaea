"""`python -m installer` is `health-install`."""

from __future__ import annotations

import sys

from installer.cli import main

sys.exit(main())
