"""One module for each kind of figure. A module that is put here registers its kind; nothing else names it."""

from repro.config.registry import import_modules

import_modules(__name__, __path__)
