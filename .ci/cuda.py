#!/usr/bin/env python3
"""Compiles every CUDA kernel with NVRTC for three targets, and compares what each needs with the report that is kept. Of kernels
that are written as a program runs, samples are compiled, which a test holds to what is written.

Needs no GPU and no driver: the compiler comes from PyPI, into target/. `--bless` writes the report anew.
"""

import ctypes
import pathlib
import re
import subprocess
import sys

NVRTC = "nvidia-cuda-nvrtc==13.0.88"
ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "kernels/src/cuda"
SAMPLES = SOURCES / "region/samples"
REPORT = SOURCES / "report.txt"
FOLDER = ROOT / "target/cuda-compiler" / NVRTC.partition("==")[2]
# The A100's, the H100's, and whatever is the newest that the compiler knows.
TARGETS = [80, 90]


def stop(problem):
    sys.exit(f"cuda.py: {problem}")


def compiler():
    found = sorted(FOLDER.glob("**/libnvrtc.so*"))
    if not found:
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True).returncode != 0:
            stop("pip is missing, and the compiler for the kernels comes from PyPI: install python3-pip")
        install = [*pip, "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--root-user-action", "ignore", "--target", str(FOLDER), NVRTC]
        if subprocess.run(install).returncode != 0:
            stop(f"pip could not install {NVRTC}; the network, or PyPI, cannot be reached")
        found = sorted(FOLDER.glob("**/libnvrtc.so*"))
    # The compiler looks for this one by name, and finds it if it is there already.
    for builtins in FOLDER.glob("**/libnvrtc-builtins.so*"):
        ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(str(found[0]))


def newest(nvrtc):
    count = ctypes.c_int()
    nvrtc.nvrtcGetNumSupportedArchs(ctypes.byref(count))
    targets = (ctypes.c_int * count.value)()
    nvrtc.nvrtcGetSupportedArchs(targets)
    return max(targets)


def compile(nvrtc, source, target):
    """The compiler's log, or an end with it."""
    text = (SOURCES / "common.cuh").read_text()
    if source.parent == SAMPLES:
        text += (SOURCES / "region/words.cuh").read_text()
    text += f'\n#line 1 "{source.name}"\n' + source.read_text()
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"common.cuh", 0, None, None)
    options = [f"--gpu-architecture=sm_{target}".encode(), b"--std=c++17", b"--ptxas-options=-v"]
    failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    log = log.value.decode()
    if failed:
        stop(f"{source.name} does not compile for sm_{target}:\n{log}")
    return log


def needs(log):
    """Registers and spilled bytes of each kernel, in the order of their names."""
    found = {}
    for part in log.split("Compiling entry function '")[1:]:
        name = part.partition("'")[0]
        registers = re.search(r"Used (\d+) registers", part)
        spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        found[name] = (int(registers[1]), int(spills[1]) + int(spills[2]) if spills else 0)
    return dict(sorted(found.items()))


def main():
    nvrtc = compiler()
    targets = [*TARGETS, newest(nvrtc)]
    lines = [
        f"What each kernel needs, compiled with {NVRTC.replace('==', ' ')}: registers of a thread, and bytes spilled where",
        "they do not suffice. Written by .ci/cuda.py --bless.",
        "",
        f"{'kernel':<40}" + "".join(f"{'sm_' + str(target):>14}" for target in targets),
    ]
    for source in sorted(SOURCES.glob("*.cu")) + sorted(SAMPLES.glob("*.cu")):
        columns = [needs(compile(nvrtc, source, target)) for target in targets]
        if not columns[0]:
            stop(f"{source.name} has no kernel that the compiler speaks of")
        for name in columns[0]:
            cells = [f"{c[name][0]}" + (f" + {c[name][1]} B" if c[name][1] else "") for c in columns]
            # The name of a kernel that is written changes with every letter of it.
            shown = f"region {source.stem}" if source.parent == SAMPLES else name
            lines.append(f"{shown:<40}" + "".join(f"{cell:>14}" for cell in cells))
    report = "\n".join(lines) + "\n"
    print(report, end="")
    if "--bless" in sys.argv:
        REPORT.write_text(report)
    elif not REPORT.exists() or REPORT.read_text() != report:
        stop(f"{REPORT.relative_to(ROOT)} says otherwise; if this is right, write it with .ci/cuda.py --bless")


main()
