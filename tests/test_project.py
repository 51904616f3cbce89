"""The project around the code: make's targets, the version, what travels in the wheel, and that help comes at once."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import repro
from repro.errors import DISTRIBUTION

CHECKOUT = Path(__file__).resolve().parents[1]
LOCK = CHECKOUT / "requirements" / "lock.txt"
# What a wheel is built from; copied, so that nothing is written into the checkout and nothing stale comes from it.
SOURCES = ["setup.cfg", "pyproject.toml", "LICENSE", "README.md", "study.toml", "repro", "experiments"]
HEAVY = {"torch", "torchvision", "pandas", "matplotlib", "scipy", "statsmodels"}


def run(*command: str, cwd: Path = CHECKOUT, **environment: str) -> str:
    """What a command prints; fails the test with what it complained of."""
    # Not the cwd but the checkout is where `repro` is imported from, unless a test says otherwise.
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT), **environment}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_help_lists_the_targets() -> None:
    listed = re.findall(r"^make (\S+)  +\S", run("make", "--no-print-directory", "help"), re.MULTILINE)
    rules = re.findall(r"^([a-z-]+):(?!=)", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert listed == rules


def test_help_is_the_default_target() -> None:
    assert run("make", "--no-print-directory") == run("make", "--no-print-directory", "help")


def test_versions_agree() -> None:
    citation = (CHECKOUT / "CITATION.cff").read_text()
    assert f"\nversion: {repro.__version__}\n" in citation
    assert run(sys.executable, "-m", "repro", "--version").split()[-1] == repro.__version__


def test_setup_lists_all_packages() -> None:
    """A package that setup.cfg does not name works in the checkout and is missing from the wheel."""
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    listed = {line for line in setup["options"]["packages"].split("\n") if line}
    folders = {path.parent.relative_to(CHECKOUT) for path in (CHECKOUT / "repro").rglob("__init__.py")}
    assert listed == {".".join(folder.parts) for folder in folders} | {"repro.shipped"}


def test_the_lock_has_a_hash_for_everything_that_setup_asks_for() -> None:
    """A dependency that was added or raised without `make lock` is missing there."""
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    extras = setup["options.extras_require"]
    assert setup["metadata"]["name"] == DISTRIBUTION
    (also,) = re.findall(rf"{DISTRIBUTION}\[(.*)\]", extras["test"])
    parts = [extras[name] for name in ["test", *also.split(", ")]]
    lines = "\n".join([setup["options"]["install_requires"], *parts]).split("\n")
    asked = [Requirement(line) for line in lines if line and not line.startswith(("#", DISTRIBUTION))]
    entries = re.findall(
        r"^(\S+==[^\n]+?) \\((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)", LOCK.read_text(), re.MULTILINE
    )
    locked = [Requirement(entry) for entry, _ in entries]
    assert len(locked) == len(re.findall("^[a-z0-9]", LOCK.read_text(), re.MULTILINE))
    for one in asked:
        versions = [other.specifier for other in locked if other.name == one.name]
        assert versions, f"{one.name} is not in requirements/lock.txt: run `make lock`"
        assert all(str(version).removeprefix("==") in one.specifier for version in versions), one


def test_messages_name_extras_that_there_are() -> None:
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    sources = "".join(path.read_text() for path in (CHECKOUT / "repro").rglob("*.py"))
    named = {extra for pair in re.findall(r"to_install\('(\w+)'\)|repro\[(\w+)\]", sources) for extra in pair if extra}
    assert named == {"ans", "bench", "caffe", "keras", "onnx", "ray"}
    assert named < set(setup["options.extras_require"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without fetching anything."""
    pytest.importorskip("setuptools", minversion="77.0.3")
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(CHECKOUT / name, source)
    target = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    run(*pip, "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(target), ".", cwd=source)
    (built,) = target.glob("*.whl")
    return built


def test_wheel_carries_all_files(wheel: Path) -> None:
    """Every module, experiment and template of the checkout is in the wheel, and nothing else is."""
    expected = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "repro").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {f"repro/shipped/experiments/{path.name}" for path in (CHECKOUT / "experiments").glob("*.toml")}
    expected |= {"repro/shipped/study.toml"}
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert inside == expected


def test_wheel_runs_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    """Installed into a fresh environment, which shares nothing but the libraries, it runs an experiment anywhere."""
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env"))
    python = str(tmp_path / "env" / "bin" / "python")
    (own,) = (tmp_path / "env").glob("lib/python*/site-packages")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    # Elsewhere than in the checkout, whose egg-info pip would take for an installation.
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel), cwd=tmp_path, PYTHONPATH="")
    (own / "shared.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")  # after pip, which would find it there
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def repro(*words: str) -> str:
        return run(str(tmp_path / "env" / "bin" / "repro"), *words, cwd=elsewhere, PYTHONPATH="")

    assert run(python, "-P", "-c", "import repro; print(repro.__file__)", PYTHONPATH="").strip().startswith(str(own))
    here = [sys.executable, "-m", "repro", "list", "--format", "csv", "--results-dir", str(tmp_path)]
    assert [line.split(",")[0] for line in repro("list", "--format", "csv").splitlines()] == [
        line.split(",")[0] for line in run(*here).splitlines()
    ]
    small = ["--set", "data.train_images=64", "--set", "recipe.epochs=1"]
    assert "122,986" in repro("run", "mini-squeezenet", "--budget", "smoke", "--device", "cpu", *small)
    assert list(elsewhere.glob("results/runs/*/*/record.json"))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list"]], ids=" ".join)
def test_answers_without_heavy_imports(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom repro.cli import main\ntry: main(sys.argv[1:])\n"
        f"finally: print('heavy:', *({HEAVY!r} & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", program, *arguments).splitlines()[-1] == "heavy:"


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the processor time of one child is known on POSIX only")
@pytest.mark.parametrize("arguments", [["--help"], ["list"]], ids=" ".join)
def test_answers_at_once(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under 0.3 s of processor time, or on a slow or busy machine twenty times what an empty program takes there."""
    # What users wait for is compiled already, whatever this process was told about it.
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    allowed = max(0.3, 20 * least_processor_seconds("-c", "pass"))
    assert least_processor_seconds("-m", "repro", *arguments) < allowed


def least_processor_seconds(*arguments: str) -> float:
    """Processor time of a Python program, the least of five: what others do on the machine does not count."""
    return min(processor_seconds(sys.executable, *arguments) for _ in range(5))


def processor_seconds(*command: str) -> float:
    child = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_results_stay_small() -> None:
    """Records, tables, figures and the page are committed: none may weigh more than 1.2 MB."""
    sizes = {path: path.stat().st_size for path in (CHECKOUT / "results").rglob("*") if path.is_file()}
    assert sizes
    assert [str(path) for path, size in sizes.items() if size > 1_200_000] == []
