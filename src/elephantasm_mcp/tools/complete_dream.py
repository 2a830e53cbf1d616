"""`complete_dream`: hand in what was made of a work order, or accept steps of a plan."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from elephantasm_mcp.app import App
from elephantasm_mcp.errors import ValidationError
from elephantasm_mcp.memory import dreams
from elephantasm_mcp.tools.answers import ADDS
from elephantasm_mcp.tools.dream import ACTOR, answer_with
from elephantasm_mcp.wording import BOTH, ONE_BY_ONE, client_of

OrderArgument = Annotated[
    str,
    Field(
        description="Id of the work order that `dream` gave.",
        max_length=64,
        examples=["0198c2f0-5d1e-7a3b-9c4d-2e6f8a1b3c5d"],
    ),
]
PlanArgument = Annotated[str, Field(description="Id of a plan.", max_length=64)]
ProposalsArgument = Annotated[
    dict[str, Any] | None,
    Field(
        description="As the order's `schema` says.",
        examples=[{"memories": []}],
    ),
]
AcceptArgument = Annotated[
    list[int] | None, Field(description="Numbers of the plan.", max_length=1000, examples=[[1]])
]


def register(server: MCPServer, app: App) -> None:
    """Add the tool to a server."""

    @server.tool(title="Complete dream", annotations=ADDS, structured_output=False)
    async def complete_dream(
        *,
        ctx: Context,
        work_order: OrderArgument = "",
        proposals: ProposalsArgument = None,
        plan: PlanArgument = "",
        accept: AcceptArgument = None,
    ) -> CallToolResult:
        """Hand in the memories that you made of a work order of `dream`, or do steps of its plan.

        Each memory needs quotes that stand in its events, word for word. What is sound is stored
        and replaces what was made without you; the rest is named, with the reason. Of a plan (dry
        run) the accepted numbers are done, and nothing else.
        """
        if (plan or accept) and (work_order or proposals):
            raise ValidationError(BOTH, field="plan", hint=ONE_BY_ONE)
        if plan and accept is not None:
            from elephantasm_mcp.memory import plans  # deep sleep: not at start-up

            report = await plans.complete(app.core, app.user, plan, accept=accept, actor=ACTOR)
            return answer_with(report, secret=app.core.secret)
        if not work_order or proposals is None:
            raise ValidationError(
                "Give `work_order` and `proposals`, or `plan` and `accept`.",
                field="work_order",
                hint='Example: {"work_order": "<id>", "proposals": {"memories": []}}.',
            )
        report = await dreams.complete(
            app.core,
            app.user,
            work_order,
            proposals=proposals,
            host=client_of(ctx),
            actor=ACTOR,
        )
        return answer_with(report, secret=app.core.secret)
