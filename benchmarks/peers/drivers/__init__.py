"""What runs one contender, each a program: a request as a line of JSON in, the answer as a line of JSON out.

``{"do": "open", "code", "event", "settings", "seconds", "memory"}`` comes first; then ``sample`` (``count`` events, in ``fresh``
worlds or a ``kept`` one: nanoseconds of each, and the last result), ``many`` (as many as come: seconds of all), ``live`` (bytes
of resident memory that a live world takes), ``probe`` (one call that wants to run for ever, under a limit of its
own: how it ended).
"""
