"""Everything that touches the network or a disk."""

import sys

# redis-py loads the metrics of OpenTelemetry's SDK wherever that is installed, which takes up to a tenth of a second of
# every start. They are not used; without them it behaves as if they were not installed.
sys.modules.setdefault("opentelemetry.sdk.metrics", None)  # type: ignore[arg-type]
