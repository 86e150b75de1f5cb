"""The docs page: Markdown of docs/, rendered and served offline, with what can be made from the code made from it."""
