"""CloudKeep without prices: nothing is analysed, reserved, counted or reported.

``serve`` is the supervisor, which starts ``api`` in place of CloudKeep's own API process.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace

from graphql import ExecutionResult

from cloudkeep.settings.settings import Settings, load_settings
from cloudkeep.supervisor.bootstrap import run_api
from cloudkeep.supervisor.process import ProcessSpec
from cloudkeep.supervisor.process_specs import server_processes
from cloudkeep.supervisor.supervisor import supervise
from resolvers.context import Context
from schema.execution import engine
from schema.execution.admission import AdmissionController, Admitted, Request
from services.budgets.budgets import Reservation
from storage.token_buckets import LocalBuckets


class Free(Admitted):
    """What was run for nothing."""

    def refund_unused(self, response: ExecutionResult) -> None:
        """Nothing was reserved."""


class OpenGate(AdmissionController):
    """Admits every operation that can run."""

    _nothing = Reservation((), (), LocalBuckets(), 0, 0)

    async def admit(self, context: Context, request: Request) -> Admitted:
        """See :class:`AdmissionController`."""
        document = self._documents.known(request.text) or self._documents.prepare(request.text)
        operation = document.operation(request.name)
        return Free(context, operation, self._executor(context, request, document), self._nothing)


def process_specs(settings: Settings, listener: int) -> Sequence[ProcessSpec]:
    """CloudKeep's processes, the API's replaced by :func:`api`."""
    command = (sys.executable, "-m", __spec__.name, "api", str(listener))
    return [
        replace(spec, command=command) if spec.name.startswith("api") else spec
        for spec in server_processes(settings, listener)
    ]


def api(listener: int, heartbeat: int) -> int:
    """The API process without prices."""
    vars(engine).update(AdmissionController=OpenGate, cost_extension=lambda *_: None)
    return run_api(listener, heartbeat)


if __name__ == "__main__":
    sys.exit(
        asyncio.run(supervise(load_settings(), process_specs))
        if sys.argv[1] == "serve"
        else api(*map(int, sys.argv[2:]))
    )
