"""`serve`, which is also what no command means: answer MCP clients until they leave."""

from argparse import ArgumentParser, Namespace

from elephantasm_mcp.cli.commands import Command, settings_of, whole_number


def run(arguments: Namespace) -> int:
    """Serve with the settings, and what the command line says on top."""
    from elephantasm_mcp.transports import serve  # mcp costs half a second

    settings = settings_of(
        arguments,
        anima_id=arguments.anima,
        host=getattr(arguments, "host", None),
        port=getattr(arguments, "port", None),
    )
    return serve(settings, transport=getattr(arguments, "transport", "stdio"))


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--transport",
        choices=["stdio", "http", "sse"],
        default="stdio",
        help="how clients reach it (default: %(default)s)",
    )
    parser.add_argument("--host", help="address to listen on, for http and sse")
    parser.add_argument(
        "--port",
        type=whole_number(least=0, most=65_535),
        help="port to listen on, for http and sse; 0 takes a free one",
    )


COMMAND = Command(
    name="serve",
    summary="serve MCP clients (what `elephantasm-mcp` alone does, over stdio)",
    details="Serve MCP clients until they leave: over stdio one that starts this program, over "
    "http (at /mcp) or sse (at /sse) any number. Other machines are served once there is an API "
    "key (`keys create`).",
    run=run,
    options=_options,
    examples=(
        "elephantasm-mcp install claude-code",
        "elephantasm-mcp serve --transport http --port 8765",
    ),
    shared=("--database", "--env-file", "--anima"),
)
