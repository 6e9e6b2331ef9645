"""The commands of the command line, one module each; all that is heavy is imported when it runs."""
