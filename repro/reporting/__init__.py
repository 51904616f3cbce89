"""Tables, figures, the page and parts of documents, made from records."""
