"""Memory that is kept is not asked of the system again; modules are not searched for garbage."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from patchclip.memory import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else False
work = lambda: [torch.empty(12 << 20).fill_(1.0) for _ in range(2)]
for _ in range(3):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    work()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, keep: bool) -> tuple[bool, int]:
    """Whether memory is kept, and the page faults of making 2 x 48 MB ten times over, in a process of its
    own.

    Blocks above 32 MB are those that glibc never learns to keep by itself.
    """
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, "keep" if keep else "leave"],
        capture_output=True,
        text=True,
        check=True,
    )
    kept, count = run.stdout.split()
    return kept == "True", int(count)


def test_large_blocks_are_reused() -> None:
    _, before = faults(keep=False)
    kept, after = faults(keep=True)
    if not kept:
        pytest.skip("the C library is not glibc")
    assert after < before / 4


def test_threads_share_what_is_kept() -> None:
    """A pass of one thread takes the memory that another's has left."""
    program = """
import sys, threading, torch
from patchclip.memory import keep_freed_memory
kept = keep_freed_memory()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20
def work():
    blocks = [torch.empty(3 << 20).fill_(1.0) for _ in range(16)]  # 12 MB each
before = resident()
for _ in range(6):
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()  # one after the other, so that one's peak is the peak of all
work()
print(kept, resident() - before)
"""
    if sys.platform != "linux":
        pytest.skip("only Linux says how much memory is held")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    kept, grown = run.stdout.split()
    if kept != "True":
        pytest.skip("the C library is not glibc")
    assert 150 < int(grown) < 290, grown  # one peak of 192 MB


def test_what_is_kept_can_be_given_back() -> None:
    """From between blocks that are in use, too."""
    program = """
import torch
from patchclip.memory import give_freed_memory_back, keep_freed_memory
kept = keep_freed_memory()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20
before = resident()
blocks = [torch.empty(3 << 20).fill_(1.0) for _ in range(16)]  # 12 MB each
full, blocks = resident(), blocks[1::8]
some = resident()
print(kept, full - before, some - before, give_freed_memory_back(), resident() - before)
"""
    if sys.platform != "linux":
        pytest.skip("only Linux says how much memory is held")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    kept, full, some, given, left = run.stdout.split()
    if kept != "True":
        pytest.skip("the C library is not glibc")
    assert int(full) > 180 and int(some) > 170 and given == "True" and 20 <= int(left) < 60, run.stdout


def test_what_was_loaded_is_not_searched_for_garbage_and_all_else_is() -> None:
    program = """
import gc, weakref
from patchclip.memory import loading
class Ring:
    def __init__(self):
        self.self = self
with loading():
    assert not gc.isenabled()
    import decimal, email.message, xml.dom.minidom
    lasting = weakref.ref(Ring())
assert gc.isenabled() and gc.get_freeze_count() > 10_000
assert all(item is not vars(decimal) for item in gc.get_objects())
passing = weakref.ref(Ring())
gc.collect()
assert lasting() is not None and passing() is None
"""
    subprocess.run([sys.executable, "-c", program], check=True)
