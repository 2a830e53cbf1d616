"""The bundled embedding models and what turns text into their tokens.

Owns the models' files, their tokenizer and the two embedders; how vectors are stored and compared
is `pure.vectors`'s. Invariant: importing this package reads no model and imports no runtime; an
embedder pays for that in `load`.
"""
