"""A pipeline of five toy stages, copied into projects of tests as the package `toyflow`: text files for videos."""
