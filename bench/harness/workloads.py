"""What is measured. A chain is a directory and the steps that follow each other in it."""

import json
import math
import os
import random
import shutil
import subprocess
import tarfile
import time

from machine import Failure, run

KIB = 1 << 10
MIB = 1 << 20
SEED = 20260101


class Settings:
    """How much of everything. `seconds` bounds each step that could go on for ever."""

    def __init__(self, size, seconds, files, transactions):
        self.size = size
        self.seconds = seconds
        self.files = files
        self.many_files = files * 5 // 2
        self.transactions = transactions


class Step:
    """One measurement. `target` is what ours must be as a multiple of `peer`: at least, or at most when `unit` is s."""

    def __init__(self, name, title, unit, peer, target, measure, cold=False, needs=(), data_bytes=None):
        self.name = name
        self.title = title
        self.unit = unit
        self.peer = peer
        self.target = target
        self.measure = measure
        self.cold = cold
        self.needs = needs
        self.data_bytes = data_bytes

    @property
    def less_is_better(self):
        return self.unit == "s"


class Chain:
    degraded = False

    def __init__(self, settings):
        self.settings = settings
        self.steps = []

    def prepare(self, directory):
        """What the first step needs; not measured."""

    def finish(self, directory):
        """Ends what is still running in the directory."""


def fio(directory, *options, name="job"):
    """
    Runs one group of fio jobs that never reserves space in advance, and returns its result. Without a file name each job has a
    file of its own, called after `name`; a path of that name in the working directory would become the file of all of them.
    """
    text = run("fio", f"--name={name}", f"--directory={directory}", "--ioengine=psync", "--fallocate=none", "--group_reporting",
               "--output-format=json", f"--randseed={SEED}", *options, cwd="/proc")
    job = json.loads(text[text.index("{"):])["jobs"][0]
    if job["error"]:
        raise Failure(f"fio {' '.join(options)}: error {job['error']}")
    return job


def bytes_per_second(job, way):
    return job[way]["io_bytes"] / (job[way]["runtime"] / 1000)


class OneFile(Chain):
    def __init__(self, settings):
        super().__init__(settings)
        size = settings.size
        self.steps = [
            Step("seq-write", "sequential write 1 MiB, then fsync", "MiB/s", "btrfs", 1.0, self.write, needs=("fio",), data_bytes=size),
            Step("seq-read", "sequential read, cold", "MiB/s", "btrfs", 1.0, self.read, cold=True, needs=("fio",), data_bytes=size),
            Step("seq-read-null", "sequential read, cold, beside null FUSE", "MiB/s", "null", 0.9, self.read, cold=True, needs=("fio",)),
            Step("rand-read", "random read 4 KiB, cold, 4 jobs", "IO/s", "btrfs", 1.0, self.random_read, cold=True, needs=("fio",)),
            Step("rand-write", "random write 4 KiB O_DIRECT, 4 jobs", "IO/s", "btrfs", 1.0, self.random_write, needs=("fio",)),
        ]

    def write(self, directory):
        job = fio(directory, "--filename=file", "--rw=write", "--bs=1M", f"--size={self.settings.size}", "--end_fsync=1")
        return bytes_per_second(job, "write") / MIB

    def read(self, directory):
        job = fio(directory, "--filename=file", "--rw=read", "--bs=1M", f"--size={self.settings.size}")
        return bytes_per_second(job, "read") / MIB

    def random_read(self, directory):
        job = fio(directory, "--filename=file", "--rw=randread", "--bs=4k", f"--size={self.settings.size}", "--numjobs=4",
                  f"--io_size={self.settings.size // 8}", f"--runtime={self.settings.seconds}")
        return job["read"]["iops"]

    def random_write(self, directory):
        job = fio(directory, "--filename=file", "--rw=randwrite", "--bs=4k", "--direct=1", f"--size={self.settings.size}",
                  "--numjobs=4", f"--io_size={self.settings.size // 16}", f"--runtime={self.settings.seconds}")
        return job["write"]["iops"]


class Append(Chain):
    def __init__(self, settings):
        super().__init__(settings)
        self.steps = [
            Step("append-1", "append 4 KiB + fsync, one writer", "IO/s", "btrfs", 1.5, lambda d: self.append(d, 1), needs=("fio",)),
            Step("append-8", "append 4 KiB + fsync, eight writers", "IO/s", "btrfs", 1.5, lambda d: self.append(d, 8), needs=("fio",)),
        ]

    def append(self, directory, writers):
        name = f"append-{writers}"
        job = fio(directory, "--rw=write", "--bs=4k", "--fsync=1", f"--numjobs={writers}", "--size=64M",
                  f"--runtime={self.settings.seconds}", name=name)
        files = [each for each in os.listdir(directory) if each.startswith(name)]
        if len(files) != writers:
            raise Failure(f"append: expected a file for each of {writers} writers, found {files}")
        return job["write"]["iops"]


class Metadata(Chain):
    FILES_PER_DIRECTORY = 500

    def __init__(self, settings):
        super().__init__(settings)
        self.steps = [
            Step("create", "create 4 KiB files", "files/s", "null", 0.9, self.create),
            Step("stat", "stat each by name, cold", "files/s", "null", 0.9, self.stat, cold=True),
            Step("readdir", "readdir + stat, cold", "files/s", "null", 0.9, self.list, cold=True),
            Step("unlink", "unlink", "files/s", "null", 0.9, self.unlink),
        ]

    def _names(self, directory):
        return [os.path.join(directory, f"d{i // self.FILES_PER_DIRECTORY}", f"f{i}") for i in range(self.settings.many_files)]

    def _directories(self, directory):
        return [os.path.join(directory, f"d{i}") for i in range(math.ceil(self.settings.many_files / self.FILES_PER_DIRECTORY))]

    def _rate(self, action, count):
        start = time.monotonic()
        action()
        return count / (time.monotonic() - start)

    def create(self, directory):
        content = random.Random(SEED).randbytes(4 * KIB)

        def action():
            for each in self._directories(directory):
                os.mkdir(each)
            for name in self._names(directory):
                descriptor = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
                os.write(descriptor, content)
                os.close(descriptor)

        return self._rate(action, self.settings.many_files)

    def stat(self, directory):
        names = self._names(directory)
        random.Random(SEED).shuffle(names)

        def action():
            for name in names:
                if os.stat(name).st_size != 4 * KIB:
                    raise Failure(f"{name}: expected {4 * KIB} bytes, found {os.stat(name).st_size}")

        return self._rate(action, len(names))

    def list(self, directory):
        found = 0

        def action():
            nonlocal found
            for each in self._directories(directory):
                with os.scandir(each) as entries:
                    for entry in entries:
                        entry.stat(follow_symlinks=False)
                        found += 1

        rate = self._rate(action, self.settings.many_files)
        if found != self.settings.many_files:
            raise Failure(f"readdir: expected {self.settings.many_files} files, found {found}")
        return rate

    def unlink(self, directory):
        def action():
            for name in self._names(directory):
                os.unlink(name)
            for each in self._directories(directory):
                os.rmdir(each)

        return self._rate(action, self.settings.many_files)


class SourceTree(Chain):
    """Files as in a source tree: most are small, few are large, and their text compresses as text does."""

    GIT = ("git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "init.defaultBranch=main", "-c", "user.name=bench",
           "-c", "user.email=bench@localhost", "-c", "safe.directory=*", "-c", "advice.detachedHead=false")

    def __init__(self, settings, workshop):
        super().__init__(settings)
        self._tar = os.path.join(workshop.path, "sources.tar")
        files = f"{settings.files} files"
        self.steps = [
            Step("untar", f"untar {files}", "s", "btrfs", 2.0, self.untar, needs=("tar",)),
            Step("git-commit", f"git add + commit of {files}", "s", "btrfs", 2.0, self.commit, needs=("tar", "git")),
            Step("git-clone", "git clone", "s", "btrfs", 2.0, self.clone, needs=("tar", "git")),
            Step("rm", "rm -r of all that", "s", "btrfs", 2.0, self.remove, needs=("tar",)),
        ]

    def prepare(self, directory):
        if os.path.exists(self._tar):
            return
        chance = random.Random(SEED)
        words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10))) for _ in range(3000)]
        with tarfile.open(self._tar, "w") as tar:
            for i in range(self.settings.files):
                size = int(min(512 * KIB, chance.lognormvariate(math.log(4 * KIB), 1.1)))
                entry = tarfile.TarInfo(f"tree/m{i // 200}/p{i // 20 % 10}/{words[i % 3000]}{i}.txt")
                text = []
                left = size
                while left > 0:
                    line = " ".join(chance.choices(words, k=10)) + "\n"
                    text.append(line)
                    left -= len(line)
                content = "".join(text)[:size].encode()
                entry.size = len(content)
                entry.mode = 0o644
                entry.mtime = 1_700_000_000
                tar.addfile(entry, _Bytes(content))

    def _git(self, *arguments, cwd):
        env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
        run(*self.GIT, *arguments, cwd=cwd, env=env)

    @staticmethod
    def _time(action):
        start = time.monotonic()
        action()
        return time.monotonic() - start

    def untar(self, directory):
        return self._time(lambda: run("tar", "-xf", self._tar, "-C", directory))

    def commit(self, directory):
        tree = os.path.join(directory, "tree")

        def action():
            self._git("init", "-q", cwd=tree)
            self._git("add", "-A", cwd=tree)
            self._git("commit", "-q", "-m", "all", cwd=tree)

        return self._time(action)

    def clone(self, directory):
        return self._time(lambda: self._git("clone", "-q", "tree", "clone", cwd=directory))

    def remove(self, directory):
        names = [name for name in ("tree", "clone") if os.path.exists(os.path.join(directory, name))]
        return self._time(lambda: run("rm", "-r", "-f", *names, cwd=directory))


class _Bytes:
    """The least that tarfile asks of a file."""

    def __init__(self, content):
        self._content = content
        self._next = 0

    def read(self, count):
        part = self._content[self._next:self._next + count]
        self._next += count
        return part


class Sqlite(Chain):
    def __init__(self, settings, journal):
        super().__init__(settings)
        self._journal = journal
        name, title = ("sqlite", "rollback journal") if journal == "delete" else ("sqlite-wal", "write-ahead log")
        self._name = f"{name}.db"
        self.steps = [Step(name, f"SQLite inserts, synchronous=FULL, {title}", "tx/s", "btrfs", 1.5, self.insert, needs=("sqlite3",))]

    def insert(self, directory):
        database = os.path.join(directory, self._name)
        pragmas = f"PRAGMA journal_mode={self._journal};\nPRAGMA synchronous=FULL;\n"
        run("sqlite3", database, stdin=pragmas + "CREATE TABLE t (id INTEGER PRIMARY KEY, content TEXT);\n")
        chance = random.Random(SEED)
        inserts = "".join(f"INSERT INTO t (content) VALUES ('{chance.randbytes(50).hex()}');\n"
                          for _ in range(self.settings.transactions))
        start = time.monotonic()
        run("sqlite3", database, stdin=pragmas + inserts)
        rate = self.settings.transactions / (time.monotonic() - start)
        found = run("sqlite3", database, "SELECT count(*) FROM t").strip()
        if found != str(self.settings.transactions):
            raise Failure(f"SQLite: expected {self.settings.transactions} rows, found {found}")
        return rate


class Postgres(Chain):
    SCALE = 5
    USER = "postgres"

    def __init__(self, settings, workshop, programs):
        super().__init__(settings)
        self._workshop = workshop
        self._programs = programs
        self._template = os.path.join(workshop.path, "postgres", "template")
        self._sockets = os.path.join(workshop.path, "postgres", "sockets")
        self._running = None
        workshop.on_exit(lambda: self.finish(None))
        self.steps = [Step("pgbench", "PostgreSQL pgbench, 4 clients", "tx/s", "btrfs", 1.0, self.bench, needs=("postgres",))]

    def _as_owner(self, program, *arguments):
        return run("runuser", "-u", self.USER, "--", os.path.join(self._programs, program), *arguments)

    def _start(self, data, *options):
        self._running = data
        log = os.path.join(self._sockets, "log")
        settings = f"-c listen_addresses= -c unix_socket_directories={self._sockets} {' '.join(options)}"
        try:
            # The server keeps what it inherits open, so nobody may wait for the end of its output.
            done = subprocess.run(["runuser", "-u", self.USER, "--", os.path.join(self._programs, "pg_ctl"), "-D", data, "-l", log,
                                   "-w", "-t", "120", "-o", settings, "start"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180, check=False)
        except subprocess.TimeoutExpired:
            raise Failure("PostgreSQL did not start within 180 s") from None
        if done.returncode != 0:
            with open(log, encoding="utf-8", errors="replace") as lines:
                raise Failure("PostgreSQL did not start:\n" + "".join(lines.readlines()[-10:]))

    def _make_template(self):
        for directory in (os.path.dirname(self._template), self._sockets):
            os.makedirs(directory, exist_ok=True)
            shutil.chown(directory, self.USER)
        self._as_owner("initdb", "-D", self._template, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._start(self._template, "-c fsync=off")
        self._as_owner("pgbench", "-h", self._sockets, "-i", "-q", "-s", self.SCALE, "postgres")
        self._stop()

    def prepare(self, directory):
        if not os.path.exists(self._template):
            self._make_template()
        run("cp", "-a", self._template, os.path.join(directory, "data"))

    def bench(self, directory):
        text = self._as_owner("pgbench", "-h", self._sockets, "-n", "-c", "4", "-j", "2", "-T", self.settings.seconds, "postgres")
        for line in text.splitlines():
            if line.startswith("tps ="):
                return float(line.split()[2])
        raise Failure(f"pgbench: expected a line that starts with tps, found\n{text}")

    def before(self, directory):
        self._start(os.path.join(directory, "data"))

    def _stop(self):
        self._as_owner("pg_ctl", "-D", self._running, "-m", "fast", "-w", "stop")
        self._running = None

    def finish(self, directory):
        if self._running:
            running, self._running = self._running, None
            try:
                self._as_owner("pg_ctl", "-D", running, "-m", "immediate", "-w", "stop")
            except Failure:
                pass


class Degraded(Chain):
    """A file that is written before two disks go."""

    degraded = True

    def __init__(self, settings):
        super().__init__(settings)
        size = settings.size // 2
        self._size = size
        self.steps = [Step("read-degraded", "sequential read with two disks gone", "MiB/s", "btrfs", 5.0, self.read, cold=True,
                           needs=("fio",), data_bytes=size)]

    def write(self, directory):
        fio(directory, "--filename=file", "--rw=write", "--bs=1M", f"--size={self._size}", "--end_fsync=1")

    def read(self, directory):
        job = fio(directory, "--filename=file", "--rw=read", "--bs=1M", f"--size={self._size}")
        return bytes_per_second(job, "read") / MIB


def chains(settings, workshop, postgres_programs):
    return [OneFile(settings), Append(settings), Metadata(settings), SourceTree(settings, workshop), Sqlite(settings, "delete"),
            Sqlite(settings, "wal"), Postgres(settings, workshop, postgres_programs), Degraded(settings)]
