"""`python -m elephantasm_mcp` is `elephantasm-mcp`."""

import sys

from elephantasm_mcp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
