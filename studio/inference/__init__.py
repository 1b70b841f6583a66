"""The engine: a child process that owns llama.cpp, and its client. Only the process imports llama_cpp."""
