"""Who used the processors during a measurement, from /proc."""

import os
import re

TICKS = os.sysconf("SC_CLK_TCK")
KTHREADD = 2


def _fields(path):
    """comm and the fields after it of a stat file, or None when the task has ended."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    end = text.rindex(")")
    return text[text.index("(") + 1:end], text[end + 2:].split(" ")


def _seconds(fields):
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def _process(pid):
    found = _fields(f"/proc/{pid}/stat")
    return _seconds(found[1]) if found else (0.0, 0.0)


def _threads(pid):
    """CPU seconds (user, system) of each thread of a process, by thread id, with a name without numbers."""
    threads = {}
    try:
        ids = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return threads
    for tid in ids:
        found = _fields(f"/proc/{pid}/task/{tid}/stat")
        if found:
            threads[tid] = (re.sub(r"[-#: ]*\d+.*$", "", found[0]).strip() or found[0], *_seconds(found[1]))
    return threads


def _waits(pid):
    """How often threads of a process have gone to sleep, by thread id."""
    waits = {}
    try:
        ids = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return waits
    for tid in ids:
        try:
            with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as file:
                waits[tid] = next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt"))
        except (OSError, StopIteration):
            pass
    return waits


def _kernel_threads():
    """CPU seconds of each kernel thread by pid."""
    seconds = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            found = _fields(f"/proc/{name}/stat")
            if found and (int(found[1][1]) == KTHREADD):
                seconds[name] = (found[0], sum(_seconds(found[1])))
    return seconds


def _machine():
    """Busy seconds of all processors."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


class Snapshot:
    def __init__(self, server):
        self.server = server
        self.process = _process(server) if server else (0.0, 0.0)
        self.threads = _threads(server) if server else {}
        self.waits = _waits(server) if server else {}
        self.kernel = _kernel_threads()
        self.machine, self.steal = _machine()
        times = os.times()
        self.clients = times.children_user + times.children_system + times.user + times.system

    def until(self, end):
        """CPU seconds between two snapshots: the server, its threads, kernel threads, programs, the whole machine."""
        threads = {}
        for tid, (name, user, system) in end.threads.items():
            _, user0, system0 = self.threads.get(tid, (name, 0.0, 0.0))
            before = threads.get(name, (0.0, 0.0))
            threads[name] = (before[0] + user - user0, before[1] + system - system0)
        kernel = sum(seconds - self.kernel.get(pid, ("", 0.0))[1] for pid, (_, seconds) in end.kernel.items())
        return {
            "server": round(sum(end.process) - sum(self.process), 2),
            "serverUser": round(end.process[0] - self.process[0], 2),
            "serverSystem": round(end.process[1] - self.process[1], 2),
            "kernelThreads": round(kernel, 2),
            "clients": round(end.clients - self.clients, 2),
            "machine": round(end.machine - self.machine, 2),
            "steal": round(end.steal - self.steal, 2),
            "serverWaits": sum(waits - self.waits.get(tid, 0) for tid, waits in end.waits.items()),
            "threads": {name: {"user": round(user, 2), "system": round(system, 2)}
                        for name, (user, system) in sorted(threads.items(), key=lambda each: -sum(each[1]))
                        if user + system >= 0.02},
        }
