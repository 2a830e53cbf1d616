"""What makes memories of events: the extractive synthesizer (LLM synthesizers come later)."""
