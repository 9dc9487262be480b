"""Why prompts are not what was expected: differences with their causes, a template's faults, and views of both."""
