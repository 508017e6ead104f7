"""From the text of an operation to its response: documents, admission, execution, errors."""
