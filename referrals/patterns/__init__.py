"""The saved queries for misuse: one for each pattern of the code list `abuse-patterns` that the data can show."""
