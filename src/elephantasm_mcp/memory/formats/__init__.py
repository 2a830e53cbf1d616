"""The formats of imports: what each file of another program says, as events."""
