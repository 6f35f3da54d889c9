"""The command line, and the rounds."""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

import report
from accounting import Snapshot
from machine import Failure, Workshop, run
from systems import Btrfs, Engine, NullFuse, Ours
from workloads import Settings, chains

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SYSTEMS = ("dynamicfs", "null", "btrfs")
SIZE_MIN, SIZE_MAX = 16 << 20, 64 << 30
USAGE, REFUSED_BY_MACHINE, INTERRUPTED = 2, 8, 130
PACKAGES = {"fio": "fio", "git": "git", "sqlite3": "sqlite3", "tar": "tar", "postgres": "postgresql", "btrfs": "btrfs-progs"}

DESCRIPTION = """Measures a DynamicFS 4+2 mount, a null FUSE file system on the same transport and btrfs raid6, each on six disks of its
own in RAM, in the same run: all systems take turns in every round, and medians of the rounds are compared. Needs root. What is missing on this
machine (fio, btrfs, git, sqlite3, PostgreSQL) is named and left out."""


def size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    value = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else 0
    if not SIZE_MIN <= value <= SIZE_MAX:
        raise argparse.ArgumentTypeError(f"expected a size from 16M to 64G such as 512M, found {text!r}")
    return value


def count(low, high):
    def convert(text):
        if not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found {text!r}")
        return int(text)
    return convert


def names(known):
    def convert(text):
        wanted = [name for name in text.split(",") if name]
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            raise argparse.ArgumentTypeError(f"expected some of {','.join(known)}; found {text!r}")
        return wanted
    return convert


def step_names():
    nowhere = type("Nowhere", (), {"path": "", "on_exit": lambda self, action: None})()
    return [step.name for chain in chains(Settings(SIZE_MIN, 1, 1, 1), nowhere, "") for step in chain.steps]


def arguments(words):
    known = step_names()
    parser = argparse.ArgumentParser(prog="bench/run", description=DESCRIPTION, epilog=f"workloads: {', '.join(known)}",
                                     allow_abbrev=False)
    parser.add_argument("--size", type=size, default=size("1G"), metavar="SIZE",
                        help="size of the file that is written and read, default 1G")
    parser.add_argument("--rounds", type=count(1, 99), default=3, metavar="N", help="default 3")
    parser.add_argument("--seconds", type=count(1, 600), default=10, metavar="N",
                        help="the longest that one of the workloads without a natural end runs, default 10")
    parser.add_argument("--files", type=count(20, 1_000_000), default=4000, metavar="N",
                        help="files of the source tree, default 4000; two and a half times as many are created for the metadata workloads")
    parser.add_argument("--transactions", type=count(1, 1_000_000), default=1000, metavar="N", help="SQLite inserts, default 1000")
    parser.add_argument("--workloads", type=names(known), default=known, metavar="A,B,...", help="only these; default all")
    parser.add_argument("--systems", type=names(SYSTEMS), default=list(SYSTEMS), metavar="A,B,...",
                        help=f"only these of {','.join(SYSTEMS)}; default all")
    parser.add_argument("--quick", action="store_true", help="tiny and once: shows that everything works, measures nothing")
    parser.add_argument("--out", default=os.path.join(ROOT, "bench", "target", "results"), metavar="DIRECTORY",
                        help="where results.json and results.svg go, default bench/target/results")
    parser.add_argument("--java-options", default="", metavar="OPTIONS", help="more options for the virtual machines, for experiments")
    parser.add_argument("--before", metavar="COMMAND", help="shell command run before each measurement of DynamicFS, and with the "
                        "step's name and END after it: $1 is the engine's process, $2 the step, $3 START or END; for profilers")
    chosen = parser.parse_args(words)
    if chosen.quick:
        chosen.size, chosen.rounds, chosen.seconds, chosen.files, chosen.transactions = size("16M"), 1, 1, 40, 10
    return chosen


def say(text):
    print(text, file=sys.stderr, flush=True)


def insist_on_machine():
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Failure("expected root on Linux, as mounting needs it. Run: sudo bench/run")
    if not os.path.exists("/dev/fuse"):
        raise Failure("expected the device /dev/fuse, found none. Load it with: modprobe fuse")
    for tool in ("losetup", "mount"):
        if not shutil.which(tool):
            raise Failure(f"expected the program {tool}, found none. Install util-linux and mount")


def postgres_programs():
    """The directory of the newest PostgreSQL's own programs; empty without one, or without its user."""
    found = []
    base = "/usr/lib/postgresql"
    for version in os.listdir(base) if os.path.isdir(base) else []:
        programs = os.path.join(base, version, "bin")
        if all(os.access(os.path.join(programs, name), os.X_OK) for name in ("initdb", "pg_ctl", "postgres", "pgbench")):
            found.append((float(version), programs))
    has_user = subprocess.run(["id", "postgres"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return max(found)[1] if found and has_user and shutil.which("runuser") else ""


def has_btrfs():
    if not shutil.which("mkfs.btrfs") or not shutil.which("btrfs"):
        return False
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", "btrfs"], check=False, stderr=subprocess.DEVNULL)
    with open("/proc/filesystems", encoding="ascii") as known:
        return any(line.split()[-1] == "btrfs" for line in known)


def missing_tools(programs):
    missing = {tool for tool in ("fio", "git", "sqlite3", "tar") if not shutil.which(tool)}
    if not programs:
        missing.add("postgres")
    return missing


def java_home():
    script = f'source "{ROOT}/scripts/common.sh"; find_jdk; echo "$JAVA_HOME"'
    return run("bash", "-c", script).strip().splitlines()[-1]


def build():
    """The jar and the libraries of the null file system, when they are missing or older than their sources."""
    lib = os.path.join(ROOT, "bench", "target", "lib")
    script = (f'source "{ROOT}/scripts/common.sh"; find_jdk; need_maven; quiet_maven; cd "{ROOT}"; '
              'mvn -B -q -pl bench -am package -DskipTests -Dspotless.check.skip && touch bench/target/lib')
    sources = [os.path.join(ROOT, *parts) for parts in (("pom.xml",), ("bench", "pom.xml"), ("bench", "src", "main"),
                                                        ("engine", "core", "src", "main"))]
    newer = not os.path.isdir(lib) or run("find", *sources, "-newer", lib, "-print", "-quit").strip()
    if newer:
        say("building (a minute the first time)...")
        run("bash", "-c", script)


def ram_needed(chosen, disk_bytes):
    copies = sum(name in chosen.systems for name in ("dynamicfs", "btrfs"))
    return copies * 6 * disk_bytes + 4 * chosen.size


def available_ram():
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))


def machine_facts():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    revision = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    return {"processor": model, "processors": os.cpu_count(), "kernel": platform.release(), "loadBefore": os.getloadavg()[0],
            "revision": revision.strip()}


class Bench:
    def __init__(self, chosen, workshop, java, disk_bytes):
        self._chosen = chosen
        self._workshop = workshop
        self._disk_bytes = disk_bytes
        self._engine = None
        self.systems = []
        self._degraded = {}
        self._values = {}
        self._processors = {}
        self.failures = []
        for name in chosen.systems:
            say(f"starting {name}")
            self.systems.append(self._make(name, disk_bytes, name, java))

    def _make(self, kind, disk_bytes, name, java=None):
        if kind == "dynamicfs":
            self._engine = self._engine or Engine(self._workshop, ROOT, self._chosen.java_options)
            return Ours(self._workshop, self._engine, disk_bytes, name)
        if kind == "btrfs":
            return Btrfs(self._workshop, disk_bytes, name)
        return NullFuse(self._workshop, ROOT, java, 64 * self._chosen.size, self._chosen.java_options, name)

    def round(self, number, all_chains, wanted):
        turn = number % len(self.systems)
        for chain in all_chains:
            steps = [step for step in chain.steps if step.name in wanted]
            if steps:
                for system in self.systems[turn:] + self.systems[:turn]:
                    self._chain(number, chain, steps, system)

    def _chain(self, number, chain, steps, system):
        try:
            if chain.degraded:
                if system.name == "null":
                    return
                system = self._degraded.get(system.name) or self._lose_disks(chain, system.name)
            self._steps(number, chain, steps, system)
        except Failure as failure:
            say(f"FAILED {chain.steps[0].name} on {system.name}: {failure}")
            self.failures.append({"chain": chain.steps[0].name, "system": system.name, "round": number, "failure": str(failure)})
            system.require_alive()

    def _lose_disks(self, chain, name):
        system = self._make(name, self._chosen.size // 4 + (256 << 20), f"{name}-degraded")
        directory = os.path.join(system.mount, "bench")
        os.mkdir(directory)
        chain.write(directory)
        system.lose_disks()
        self._degraded[name] = system
        return system

    def _steps(self, number, chain, steps, system):
        name = system.name.removesuffix("-degraded")
        directory = os.path.join(system.mount, "bench")
        if not chain.degraded:
            os.mkdir(directory)
        try:
            chain.prepare(directory)
            last = steps[-1]
            for step in chain.steps[:chain.steps.index(last) + 1]:
                wanted = step in steps and (step.name != "seq-read-null" or name != "btrfs")
                # What comes later needs what earlier steps have made, wanted or not; reading makes nothing.
                if not wanted and step.cold:
                    continue
                if step.cold or not self._chosen.quick:
                    system.reopen()
                if hasattr(chain, "before"):
                    chain.before(directory)
                if wanted:
                    self._measure(number, step, system, name, directory)
                else:
                    step.measure(directory)
        finally:
            chain.finish(directory)
            if not chain.degraded:
                shutil.rmtree(directory, ignore_errors=True)

    def _measure(self, number, step, system, name, directory):
        hook = self._chosen.before if name == "dynamicfs" else None
        if hook:
            subprocess.run(["bash", "-c", hook, "hook", str(system.server), step.name, "START"], check=False)
        before = Snapshot(system.server)
        value = step.measure(directory)
        used = before.until(Snapshot(system.server))
        if hook:
            subprocess.run(["bash", "-c", hook, "hook", str(system.server), step.name, "END"], check=False)
        self._values.setdefault(step.name, {}).setdefault(name, []).append(value)
        self._processors.setdefault(step.name, {}).setdefault(name, []).append(used)
        say(f"round {number + 1}  {step.name:<14} {name:<10} {report.number(value):>10} {step.unit:<8} "
            f"CPU s: server {used['server']:.1f}, kernel threads {used['kernelThreads']:.1f}, machine {used['machine']:.1f}")

    def rows(self, all_chains):
        return [report.Row(step, self._values[step.name], self._processors[step.name])
                for chain in all_chains for step in chain.steps if step.name in self._values]


def measure(chosen):
    java = os.path.join(java_home(), "bin", "java")
    build()
    skipped = []
    if "btrfs" in chosen.systems and not has_btrfs():
        skipped.append(f"btrfs: not on this machine; install {PACKAGES['btrfs']} and a kernel with btrfs")
        chosen.systems = [name for name in chosen.systems if name != "btrfs"]
    if not chosen.systems:
        raise Failure("nothing is left to measure: " + "; ".join(skipped))
    disk_bytes = chosen.size * 3 // 4 + (256 << 20)
    needed, available = ram_needed(chosen, disk_bytes), available_ram()
    if needed > available and not chosen.quick:
        raise Failure(f"expected {needed >> 20} MiB of available memory for the disks, found {available >> 20} MiB. "
                      "Choose a smaller --size or fewer --systems")
    programs = postgres_programs()
    missing = missing_tools(programs)
    settings = Settings(chosen.size, chosen.seconds, chosen.files, chosen.transactions)
    facts = machine_facts()
    with Workshop(max(needed, 4 << 30)) as workshop:
        all_chains = chains(settings, workshop, programs)
        wanted = []
        for step in [step for chain in all_chains for step in chain.steps if step.name in chosen.workloads]:
            lacks = [tool for tool in step.needs if tool in missing]
            if lacks:
                skipped.append(f"{step.name}: {', '.join(lacks)} missing; install {', '.join(PACKAGES[tool] for tool in lacks)}")
            else:
                wanted.append(step.name)
        for each in skipped:
            say(f"left out: {each}")
        bench = Bench(chosen, workshop, java, disk_bytes)
        for number in range(chosen.rounds):
            bench.round(number, all_chains, wanted)
    conclude(chosen, bench, bench.rows(all_chains), facts, skipped)
    return 1 if bench.failures else 0


def conclude(chosen, bench, rows, facts, skipped):
    settings = {"sizeBytes": chosen.size, "rounds": chosen.rounds, "seconds": chosen.seconds, "files": chosen.files,
                "transactions": chosen.transactions, "javaOptions": chosen.java_options, "quick": chosen.quick}
    os.makedirs(chosen.out, exist_ok=True)
    with open(os.path.join(chosen.out, "results.json"), "w", encoding="utf-8") as file:
        json.dump(report.as_json(rows, bench.systems, settings, facts, skipped, bench.failures), file, indent=2)
        file.write("\n")
    subtitle = (f"{chosen.size >> 20} MiB, median of {chosen.rounds} rounds, {facts['processors']} x {facts['processor']}, "
                f"Linux {facts['kernel']}")
    with open(os.path.join(chosen.out, "results.svg"), "w", encoding="utf-8") as file:
        file.write(report.picture(rows, bench.systems, subtitle))
    print(report.table(rows, bench.systems))
    print()
    print(report.processors(rows, bench.systems))
    for each in skipped:
        print(f"left out: {each}")
    for failure in bench.failures:
        print(f"FAILED in round {failure['round'] + 1}: {failure['chain']} on {failure['system']}: {failure['failure']}")
    print(f"\n{os.path.join(chosen.out, 'results.json')} and results.svg have the same and more.")


def main(words):
    chosen = arguments(words)
    # Also SIGINT: who starts this in the background may have switched it off.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        insist_on_machine()
        started = time.monotonic()
        code = measure(chosen)
        say(f"took {(time.monotonic() - started) / 60:.1f} minutes")
        return code
    except Failure as failure:
        say(f"bench/run: {failure}")
        return REFUSED_BY_MACHINE
    except KeyboardInterrupt:
        say("bench/run: interrupted; everything that was made is removed")
        return INTERRUPTED


def _interrupted(*_):
    raise KeyboardInterrupt
