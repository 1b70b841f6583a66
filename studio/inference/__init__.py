"""The Engine port, twice: over a child process that owns llama.cpp, of which the process alone imports llama_cpp, and
over a server that speaks OpenAI's API (`remote_*`).
"""
