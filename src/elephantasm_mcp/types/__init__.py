"""Public types. Everything that users import from here is listed in `__all__`."""
