"""The commands of ``tandem``, one module each: ``gateway/commands/<name>.py`` offers its click command as ``command``.

An underscore in the module's name is a hyphen in the command's. ``gateway.cli`` finds them; nothing else lists them.
"""
