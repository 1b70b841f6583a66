"""From a question, its history and what is remembered to what the model reads. Pure."""
