"""One module per network, or for networks that belong together; every module here is imported and registers its own."""

from repro.config.registry import import_modules

import_modules(__name__, __path__)
