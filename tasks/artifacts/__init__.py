"""The vocabulary: one frozen class per artifact. Import the module you need; nothing is imported here."""
