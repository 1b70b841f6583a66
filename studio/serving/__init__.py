"""The studio over HTTP, in two ways.

The app in browsers: one app process, whose screen is sent to whoever may watch, and typed into by one. `access` says
who may; `audience` hands out the screen; `app_child` is the app's process; `server` speaks HTTP; `page/` is what
browsers load, around the terminal that textual-serve ships. It knows neither the app nor the studio behind it: what it
serves is a command that runs with Textual's web driver.

The arms as an OpenAI-compatible API: `api`, over `domain.ports.Assistant`, with `chat_request` and `chat_reply`, and
the secret of `token_file`.
"""
