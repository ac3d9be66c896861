"""Layers that hang, crash, end their process or meddle with it: each costs its own check and no other."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from gradcheck_cli.errors import GradcheckError, LostError
from gradcheck_cli.result import CheckResult, ExitCode, RunReport, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.work.apart import apart
from gradcheck_cli.work.traces import frames_of, place_of

ROOT = Path(__file__).parent.parent
SPEC = "gradcheck: 1\npoints: 1\ninputs: {x: [3]}\n"
SPEC += "function: {python: 'NAME.py:forward', backward: 'NAME.py:backward'}\n"
FINE = "import os, signal, sys, threading, time\n\ndef forward(x):\n    CODE\n    return x**2\n\n"
FINE += "def backward(dy, x):\n    return 2 * x * dy\n"
posix = pytest.mark.skipif(os.name != "posix", reason="signals and descriptors of POSIX")


def layer(folder: Path, name: str, code: str = "pass", *, more: str = "") -> Path:
    """Write a right layer that does something else besides, and its spec."""
    folder.mkdir(exist_ok=True)
    source = FINE.replace("CODE", code.replace("\n", "\n    "))
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    spec = folder / f"{name}.yaml"
    spec.write_text(SPEC.replace("NAME", name) + more, encoding="utf-8")
    return spec


def run(*specs: Path, **options: object) -> RunReport:
    return run_paths([str(spec) for spec in specs], RunOptions(**options))


def outcome(spec: Path, **options: object) -> CheckResult:
    """Run a layer's check between two fine ones, which nothing may happen to."""
    first, last = layer(spec.parent, "a_first"), layer(spec.parent, "z_last")
    report = run(first, spec, last, **options)
    before, result, after = report.checks
    assert (before.verdict, after.verdict) == (Verdict.PASS, Verdict.PASS)
    return result


CRASHES = {
    "exit": ("os._exit(1)", "the code ended its process with exit code 1, as os._exit does"),
    "kill": (
        "os.kill(os.getpid(), 9)",
        "the process was killed: SIGKILL, as when memory runs out",
    ),
    "terminate": ("os.kill(os.getpid(), signal.SIGTERM)", "the process was ended by SIGTERM"),
    "abort": ("os.abort()", "the interpreter crashed: SIGABRT; it was in abort.py:4 (forward)"),
    "segfault": (
        "import ctypes; ctypes.string_at(0)",
        "the interpreter crashed: SIGSEGV; it was in segfault.py:4 (forward)",
    ),
    "recursion": (
        "sys.setrecursionlimit(10**7)\nf = lambda n: max([n], key=f)\nf(1)",
        "the interpreter crashed: SIGSEGV; it was in recursion.py:5 (<lambda>)",
    ),
    "deep": (
        "f = lambda n: f(n + 1)\nf(1)",
        "deep.py:4: forward raised RecursionError: maximum recursion depth exceeded",
    ),
    "leave": ("sys.exit(3)", "leave.py:4: forward raised SystemExit: 3"),
    "interrupt": ("raise KeyboardInterrupt('x')", "the code raised KeyboardInterrupt: x"),
    "raises": ("raise ValueError('shapes differ')", "raises.py:4: forward raised ValueError: shapes differ"),
    "later": (
        "signal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(1)",
        "the process was ended by SIGALRM",
    ),
}


@posix
@pytest.mark.parametrize("name", CRASHES)
def test_what_ends_a_layer_is_named(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, message = CRASHES[name]
    result = outcome(layer(tmp_path, name, code))
    assert (result.verdict, result.message) == (Verdict.ERROR, message)


HANGS = {
    "sleep": "time.sleep(1000)",
    "loop": "while True: pass",
    "lock": "threading.Lock().__enter__(); lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "deaf": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nwhile True: pass",
    "wait": "if os.fork() == 0: time.sleep(1000)\nos.wait()",
}


@posix
@pytest.mark.parametrize("name", HANGS)
def test_a_layer_that_hangs_is_ended_and_found(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = 4 + HANGS[name].count("\n")
    started = time.monotonic()
    result = outcome(layer(tmp_path, name, HANGS[name]), timeout=0.5)
    assert time.monotonic() - started < 4
    where = f"{name}.py:{line} (forward)"
    assert result.message == f"no answer within 0.5 s, the check's time limit; it was in {where}"
    assert result.traceback[-1].source == HANGS[name].split("\n")[-1]


JUNK = """import stat
for n in range(3, 40):
    try:
        if stat.S_ISFIFO(os.fstat(n).st_mode): os.write(n, b'junk')
    except OSError: pass"""
HARMLESS = {
    "thread": "threading.Thread(target=time.sleep, args=(1000,)).start()",
    "process": "import subprocess; subprocess.Popen(['sleep', '1000'])",
    "processes": "import multiprocessing; multiprocessing.Pool(1).map(abs, [1])",
    "fork": "os.fork()",
    "descriptors": "os.closerange(0, 100)",
    "reopened": "os.closerange(0, 100); open('junk', 'wb'); os.open('junk', os.O_RDWR)",
    "streams": "sys.stdout = sys.stderr = None",
    "closed": "sys.stdout.close()",
    "folder": "os.makedirs('gone', exist_ok=True); os.chdir('gone'); os.rmdir(os.getcwd())",
    "signals": "signal.signal(signal.SIGINT, signal.SIG_DFL)",
    "limit": "sys.setrecursionlimit(100)",
    "atexit": "import atexit; atexit.register(os.abort)",
    "faulthandler": "import faulthandler; faulthandler.disable(); faulthandler.cancel_dump_traceback_later()",
    "keyboard": "assert sys.stdin.read() == '' and os.read(0, 1) == b''",
    "junk": JUNK,
}


@posix
@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_layer_leaves_behind_changes_no_verdict(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()
    result = outcome(layer(tmp_path, name, HARMLESS[name], more="timeout: 20\n"))
    assert result.verdict is Verdict.PASS, (result.message, result.traceback)
    assert time.monotonic() - started < 18


def test_several_at_a_time_and_one_come_to_the_same(tmp_path: Path) -> None:
    """The issue's own example: one hangs, one ends its process, one raises, ten are fine."""
    for number in range(10):
        layer(tmp_path, f"fine{number}")
    layer(tmp_path, "fine3_hangs", "time.sleep(1000)")
    layer(tmp_path, "fine4_loops", "while True: pass")
    layer(tmp_path, "fine5_exits", "os._exit(1)")
    layer(tmp_path, "fine6_raises", "raise ValueError('bad')")
    documents = []
    for jobs in ("1", "3"):
        started = time.monotonic()
        formats = ("--format", "text", "--format", "json=report.json")
        ended = gradcheck("run", ".", "-j", jobs, "--timeout", "1", *formats, folder=tmp_path)
        assert time.monotonic() - started < 18
        assert (ended.returncode, ended.stderr) == (ExitCode.UNDECIDED, "")
        document = (tmp_path / "report.json").read_text(encoding="utf-8")
        documents.append(re.sub(r'"seconds": [\d.e-]+', "", document))
    assert documents[0] == documents[1]
    words = [line.split()[:2] for line in ended.stdout.splitlines() if re.match(r"ok|ERROR", line)]
    bad = {"fine3_hangs", "fine4_loops", "fine5_exits", "fine6_raises"}
    names = sorted([f"fine{number}" for number in range(10)] + list(bad))
    assert words == [["ERROR" if name in bad else "ok", name] for name in names]


def gradcheck(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "gradcheck_cli", *arguments],
        cwd=folder, capture_output=True, text=True, env=environment, timeout=60, check=False,
    )  # fmt: skip


@posix
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_shows_what_is_known_and_leaves_nothing_running(tmp_path: Path, jobs: str) -> None:
    layer(tmp_path, "a")
    layer(tmp_path, "b", "open('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")
    layer(tmp_path, "c")
    process = subprocess.Popen(
        [sys.executable, "-m", "gradcheck_cli", "run", ".", "-j", jobs, "--format", "json=report.json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        # A job that a shell runs in the background ignores interrupts, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no threads here
    )  # fmt: skip
    until = time.monotonic() + 20
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.5)  # with two at a time c has come in by then
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "interrupted: more was to come\n")
    names = ["a"] if jobs == "1" else ["a", "c"]
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("ok")] == names
    document = json.loads((tmp_path / "report.json").read_text())
    assert [check["name"] for check in document["checks"]] == names
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_code_prints_is_kept_and_reaches_no_stream_of_ours(tmp_path: Path) -> None:
    layer(
        tmp_path,
        "loud",
        "print('by Python')\nos.write(1, b'by C\\n')\nos.system('echo by a child')\n"
        "import warnings; warnings.warn('careful')\nraise ValueError('bad')",
    )
    ended = gradcheck("run", "loud.yaml", "--format", "json", folder=tmp_path)
    (check,) = json.loads(ended.stdout)["checks"]
    assert ended.stderr == ""
    for text in ("by Python", "by C", "by a child", "UserWarning: careful"):
        assert text in check["output"]
    assert check["message"] == "loud.py:8: forward raised ValueError: bad"
    assert check["traceback"] == [
        {"file": "loud.py", "line": 8, "function": "forward", "source": "raise ValueError('bad')"}
    ]


def test_code_that_prints_without_end_keeps_its_last_words(tmp_path: Path) -> None:
    more = "while time.monotonic() < until: os.write(1, b'x' * 2**20 + b'\\n')"
    spec = layer(tmp_path, "endless", f"until = time.monotonic() + 1\n{more}\nraise ValueError('last')")
    (check,) = run(spec).checks
    assert len(check.output.encode()) <= 2**16
    assert check.output.rstrip().endswith("x")


def test_an_exhausted_memory_is_the_error_of_one_check(tmp_path: Path) -> None:
    result = outcome(layer(tmp_path, "greedy", "import numpy\nnumpy.ones(2**40)"))
    assert "greedy.py:5: forward raised MemoryError: Unable to allocate 8.00 TiB" in result.message


def test_code_may_not_take_the_machines_memory(tmp_path: Path) -> None:
    result = outcome(
        layer(tmp_path, "list", "import resource\nassert resource.getrlimit(resource.RLIMIT_DATA)[0] > 0")
    )
    assert result.verdict is Verdict.PASS


def test_a_fault_that_only_an_import_shows_stops_its_own_file_alone(tmp_path: Path) -> None:
    layer(tmp_path, "a")
    faulty = layer(tmp_path, "b", more="outputs: [y, z]\n")
    report = run(tmp_path / "a.yaml", faulty)
    assert [check.name for check in report.checks] == ["a"]
    assert [fault.spec for fault in report.faults] == [str(faulty)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_stopping_early_does_not_depend_on_the_number_of_jobs(tmp_path: Path, jobs: int) -> None:
    layer(tmp_path, "a")
    layer(tmp_path, "b", "time.sleep(0.2)\nraise ValueError('bad')")
    layer(tmp_path, "c")
    layer(tmp_path, "d", more="outputs: [y, z]\n")
    report = run(tmp_path, jobs=jobs, stop_at_first=True)
    assert [check.name for check in report.checks] == ["a", "b"]
    assert report.faults == ()


def test_a_layer_that_patches_numpy_changes_its_own_check_alone(tmp_path: Path) -> None:
    patches = layer(tmp_path, "patches", "import numpy; numpy.sin = None")
    uses = layer(tmp_path, "uses", "import numpy; numpy.sin(x)")
    wrong = layer(tmp_path, "wrong", "import numpy; numpy.sin(x).no_such_attribute")
    results = run(patches, uses, wrong).checks
    assert [check.verdict for check in results] == [Verdict.PASS, Verdict.PASS, Verdict.ERROR]
    assert "no_such_attribute" in results[2].message


@pytest.mark.parametrize("target", ["numpy.exp", "numpy.linalg.norm", "builtins.abs"])
def test_a_layer_that_replaces_what_others_use_lets_no_wrong_one_pass(tmp_path: Path, target: str) -> None:
    module = target.rpartition(".")[0]
    patches = layer(tmp_path, "patches", f"import {module}; {target} = lambda x: 0 * x")
    wrong = layer(tmp_path, "wrong", f"import {module}; x = x + {target}(x)")
    assert [check.verdict for check in run(patches, wrong).checks] == [Verdict.PASS, Verdict.FAIL]


@posix
def test_a_check_that_ends_itself_at_its_limit_is_run_once(tmp_path: Path) -> None:
    code = f"print(os.getpid(), file=open('{tmp_path}/processes', 'a'))\ntime.sleep(0.2)"
    assert (
        outcome(layer(tmp_path, "slow", code, more="timeout: 0.6\n")).message
        == "the check's time is up (timeout)"
    )
    assert len(set((tmp_path / "processes").read_text().split())) == 1


@posix
def test_a_call_apart_returns_or_raises_what_it_would_here() -> None:
    assert apart(lambda: [1, 2]) == [1, 2]
    with pytest.raises(GradcheckError, match="no such output"):
        apart(partial(fail, GradcheckError("no such output")))
    with pytest.raises(RuntimeError, match="in fail"):
        apart(partial(fail, ValueError("a bug")))


@posix
def test_code_that_ends_its_process_ends_no_other() -> None:
    with pytest.raises(LostError, match="the code ended its process with exit code 0"):
        apart(lambda: os._exit(0))
    with pytest.raises(LostError, match=r"crashed: SIGABRT; it was in .*test_isolation.py:\d+ \(<lambda>\)"):
        apart(lambda: os.abort())  # noqa: PLW0108  # a frame of this file


def fail(error: Exception) -> None:
    raise error


def test_a_formula_has_no_limit_of_the_code_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "gradcheck: 1\nchecks:\n"
        "- {name: code, timeout: 1, inputs: {x: [2]}, function: {forward: y = x**2, backward: dx = 2*x*dy}}\n"
        "- {name: formula, inputs: {x: [36, 36], y: [36, 36]}, function: z = x @ y, wrt: [x], points: 1}\n",
        encoding="utf-8",
    )
    report = run_paths([str(tmp_path / "a.yaml")], RunOptions(jobs=2, max_memory=2**34))
    assert [check.verdict for check in report.checks] == [Verdict.PASS, Verdict.PASS]


def test_formulas_alone_start_no_process(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("gradcheck: 1\ninputs: {x: [3]}\nfunction: y = x**2\n", encoding="utf-8")
    program = (
        "import sys; from gradcheck_cli.run import *; run_paths(['a.yaml'], RunOptions()); "
        "print([name for name in ('multiprocessing', 'tempfile', 'ctypes') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "multiprocessing" not in ended.stdout


def test_the_users_frames_are_taken_out_of_a_report() -> None:
    ours = Path(sys.modules["gradcheck_cli"].__file__).parent
    report = (
        "Timeout (0:00:01)!\nThread 0x01 (most recent call first):\n"
        '  File "/usr/lib/python3/threading.py", line 1 in wait\n\n'
        "Thread 0x02 (most recent call first):\n"
        '  File "/tmp/l\\xe4yers.py", line 7 in inner\n  File "/tmp/l\\xe4yers.py", line 3 in forward\n'
        f'  File "{ours}/functions/workspace.py", line 9 in call\n  File "/bin/gradcheck", line 1 in main\n'
    )
    frames = frames_of(report)
    assert [(frame.line, frame.function) for frame in frames] == [(3, "forward"), (7, "inner")]
    assert place_of(frames) == "/tmp/läyers.py:7 (inner)"
    assert frames_of("") == ()


def look_for(process: int, until: float) -> None:
    """Raise as soon as there is no such process; the system may be slow to clear away what has ended."""
    while time.monotonic() < until:
        os.kill(process, 0)
        time.sleep(0.1)


@posix
def test_a_process_does_not_outlive_its_master(tmp_path: Path) -> None:
    """A process that waits notices when nobody is left to ask it, and one that hangs ends at its limit."""
    layer(tmp_path, "a", "open('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")
    process = subprocess.Popen(
        [sys.executable, "-m", "gradcheck_cli", "run", ".", "--timeout", "1"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    until = time.monotonic() + 20
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.wait()
    with pytest.raises(ProcessLookupError):
        look_for(int((tmp_path / "pid").read_text()), until)
