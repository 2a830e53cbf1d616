"""The entry point of the bundle: the program, with what the user left empty left out."""

import os
import sys

from elephantasm_mcp.__main__ import main

for name, value in list(os.environ.items()):
    # a client passes on a field without a value as nothing, or as its own placeholder
    if name.startswith("ELEPHANTASM_") and (not value or value.startswith("${user_config.")):
        del os.environ[name]

sys.exit(main())
