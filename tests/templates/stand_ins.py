"""Images that stand in for those that templates/Dockerfile builds upon, made of this machine's own Debian and Python.

They have what the Dockerfile takes from the real ones, at the same places: Python in /usr/local with pip and without a
compiler, Beam's boot and Google's launcher. Boot and launcher are scripts here that start what the real ones start.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("ca-certificates", "libc6", "libstdc++6", "netbase", "tzdata")
"""What the Python image has beside what every Debian has."""

LINKS = ("/bin/sh", "/usr/bin/awk", "/etc/alternatives/awk")
"""What packages make when they are installed."""

MERGED = ("bin", "lib", "lib64", "sbin")
UNREAD = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

LAUNCHER = '#!/bin/sh\nexec python "$FLEX_TEMPLATE_PYTHON_PY_FILE" "$@"\n'
BOOT = "#!/bin/sh\nexec python -m apache_beam.runners.worker.sdk_worker_main\n"


def python_root(folder: Path) -> None:
    """Fills a folder with a root file system: Debian's required packages, and Python in /usr/local."""
    for name in MERGED:
        (folder / "usr" / name).mkdir(parents=True)
        (folder / name).symlink_to(f"usr/{name}")
    python, library = Path(sys.base_prefix), f"python{sysconfig.get_python_version()}"
    files = [*_package_files(), *LINKS]
    _copy([*files, *_libraries(path for path in files if "bin" in path.split("/"))], folder)
    shutil.copytree(
        python / "lib" / library,
        folder / "usr/local/lib" / library,
        symlinks=True,
        ignore=shutil.ignore_patterns("site-packages", "test", "tests", "__pycache__", "config-*"),
    )
    (folder / "usr/local/bin").mkdir(exist_ok=True)
    programs = [python / "bin" / library, *python.glob("lib/libpython*.so*")]
    for program in programs:
        shutil.copy2(program, folder / "usr/local" / program.relative_to(python))
    for name in ("python", "python3"):
        (folder / "usr/local/bin" / name).symlink_to(library)
    _copy(_libraries(map(str, [*programs, *python.glob(f"lib/{library}/lib-dynload/*.so")])), folder)
    shutil.copy2(CERTIFICATES, folder / CERTIFICATES[1:])
    for name in ("dev", "proc", "sys", "tmp", "root"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "tmp").chmod(0o1777)
    for command in (["ldconfig"], ["/usr/local/bin/python3", "-m", "ensurepip", "--default-pip"]):
        subprocess.run(["chroot", folder, *command], check=True, capture_output=True)


def scripts_root(folder: Path, path: str, text: str) -> None:
    """Fills a folder with a root file system that has one script."""
    script = folder / path.lstrip("/")
    script.parent.mkdir(parents=True)
    script.write_text(text)
    script.chmod(0o755)


def _package_files() -> Iterator[str]:
    """The files of the packages without which there is no Debian, and of PACKAGES."""
    known = _output("dpkg-query", "--show", "--showformat=${Package}\t${Priority}\t${Essential}\n")
    required = [
        name for name, priority, essential in map(_fields, known) if "required" in priority or "yes" in essential
    ]
    for path in _output("dpkg-query", "--listfiles", *required, *PACKAGES):
        if path.startswith("/") and not path.startswith(UNREAD):
            yield path


def _fields(line: str) -> list[str]:
    return line.split("\t")


def _libraries(programs: Iterable[str]) -> Iterator[str]:
    """The system's shared libraries that programs are linked with; scripts have none."""
    listed = subprocess.run(
        ["ldd", *(path for path in programs if Path(path).is_file())], check=False, capture_output=True, text=True
    )
    for line in listed.stdout.splitlines():
        path = line.partition(" => ")[2].partition(" ")[0] or line.strip().partition(" ")[0]
        if path.startswith(("/lib", "/usr/lib")) and Path(path).is_file():
            yield from (path, str(Path(path).resolve()))


def _copy(paths: Iterable[str], folder: Path) -> None:
    """Copies files and links, not what is in folders, to the same places below another root."""
    real = {str(Path(path).parent.resolve() / Path(path).name) for path in paths}
    names = [path for path in sorted(real) if path.lstrip("/") not in MERGED and os.path.lexists(path)]
    packed = subprocess.Popen(
        ["tar", "--create", "--directory=/", "--no-recursion", "--null", "--files-from=-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    unpacked = subprocess.Popen(["tar", "--extract", f"--directory={folder}"], stdin=packed.stdout)
    assert packed.stdin is not None
    packed.stdin.write(b"\0".join(path.lstrip("/").encode() for path in names))
    packed.stdin.close()
    assert (packed.wait(), unpacked.wait()) == (0, 0)


def _output(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
