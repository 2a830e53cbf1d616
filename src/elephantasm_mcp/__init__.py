"""Long-term memory for AI agents, served over MCP."""
