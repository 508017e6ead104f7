"""``python -m schema`` prints the SDL."""

import sys

from schema.build import build_schema

sys.stdout.write(f"{build_schema().as_str()}\n")
