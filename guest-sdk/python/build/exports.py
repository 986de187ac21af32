"""Says which interfaces a plugin exports: imports it and writes their names, one a line, into a file.

It runs in a process of its own, on the Python of the build and over bindings that only pretend, so that the plugin finds the
modules that it will find in the component. A plugin that cannot be imported ends it with the traceback and exit code 1.

    python exports.py OUT PLUGIN COPY-OF-THE-PLUGIN FOLDER...
"""

import sys
import traceback
from pathlib import Path


def main() -> int:
    out, plugin_folder, app, *path = sys.argv[1:]
    # This folder is none of the component's.
    sys.path[0:1] = [app, *path]
    from holdline import handlers

    try:
        import plugin  # noqa: F401
    except BaseException as error:
        # The frames above it are those of the build.
        trace = error.__traceback__ and error.__traceback__.tb_next
        while trace and "importlib" in trace.tb_frame.f_code.co_filename:
            trace = trace.tb_next
        shown = "".join(traceback.format_exception(type(error), error, trace))
        sys.stderr.write(shown.replace(app, plugin_folder))
        return 1
    Path(out).write_text("".join(f"{name}\n" for name in handlers.exports()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
