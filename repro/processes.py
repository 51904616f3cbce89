"""Worker processes that end with their parent, and objects that live in a fresh process of their own."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from repro.errors import Failure

MEMORY = 3 * 2**30  # bytes that a training run may need on a CPU; AlexNet's takes two thirds of it


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def runs_at_once() -> int:
    """How many runs train at a time on this machine's CPU: one a core, and no more than there is memory for."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(cores(), memory // MEMORY))


def end_with_parent() -> None:
    """A worker whose parent is killed ends too; left alone it would wait for work for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def bound(memory: int, seconds: int) -> None:
    """Let this process take so many bytes beyond what it has, on Linux, and so much processor time, where POSIX holds.

    Beyond the time SIGXCPU ends it; memory that is not given raises MemoryError.
    """
    try:
        import resource
    except ImportError:  # on Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))


class Alone:
    """An object in a fresh process, whose methods are called from here, one at a time.

    Nothing of this process is in it: no imported library, no setting, no memory held. So what it takes is its own.
    """

    def __init__(self, kind: Callable[..., Any], *arguments: Any):
        """Start the process and build `kind(*arguments)` there; errors come back as they are."""
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, context, initializer=end_with_parent)
        try:
            self._ask(_build, kind, arguments)
        except BaseException:
            self.pool.shutdown()
            raise

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object; what it returns."""
        return self._ask(_call, method, arguments)

    def peak_memory(self) -> int:
        """The most memory that the process has held so far, in bytes: its resident set."""
        return self._ask(peak_memory)

    def __enter__(self) -> "Alone":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self.pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise Failure("a process was ended from outside before it was done; is there enough memory?") from error


_object: Any = None  # what this process holds, where it is one of `Alone`


def _build(kind: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    global _object
    # A spawned process would spawn its own workers too; one that a user starts takes its platform's way.
    multiprocessing.set_start_method(multiprocessing.get_all_start_methods()[0], force=True)
    _object = kind(*arguments)


def _call(method: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(_object, method)(*arguments)


def peak_memory() -> int:
    """The most memory that this process has held, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        # Not the first choice: on Linux it starts at what the parent held when it started this process.
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
