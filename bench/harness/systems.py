"""The file systems that are compared, each with six disks of its own in RAM."""

import json
import os
import subprocess
import time

from machine import Failure, Process, is_mounted, quietly, run

DISKS = 6
LOST_DISKS = (1, 4)
START_SECONDS_MAX = 60
MOUNT_THREADS = 2


class System:
    """A mounted file system. `server` is the process that serves it, if there is one."""

    server = None

    def __init__(self, name, title):
        self.name = name
        self.title = title
        self.mount = ""

    def reopen(self):
        """Everything written reaches the disks; afterwards nothing is in any cache."""
        raise NotImplementedError

    def require_alive(self):
        """Says why a server is gone."""


class Engine:
    """One engine with its defaults, for all pools and all rounds."""

    def __init__(self, workshop, root, java_options):
        self._command = os.path.join(root, "dynamicfs")
        self.directory = workshop.directory("engine")
        self._socket = os.path.join(self.directory, "engine.sock")
        env = dict(os.environ, JAVA_OPTS=java_options)
        self.process = Process(workshop, [self._command, "engine", "--socket", self._socket],
                               os.path.join(self.directory, "engine.log"), env=env)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not os.path.exists(self._socket) or "engine" not in self._status():
            if not self.process.is_alive() or time.monotonic() > deadline:
                raise Failure(f"the engine did not start:\n{self.process.log_tail()}")
            time.sleep(0.1)

    def _status(self):
        try:
            return json.loads(self.control("status", "-o", "json"))
        except Failure:
            return {}

    def control(self, *arguments):
        return run(self._command, *arguments, "--socket", self._socket)


class Ours(System):
    def __init__(self, workshop, engine, disk_bytes, name="dynamicfs"):
        super().__init__(name, "DynamicFS 4+2")
        self._engine = engine
        self._pool = name
        self._disks = workshop.disks(name, DISKS, disk_bytes)
        self.mount = workshop.mount_point(name)
        self.server = engine.process.pid
        engine.control("pool", "create", self._pool, "--redundancy", "4+2", *self._devices())
        engine.control("volume", "create", f"{self._pool}/volume")
        self._mount()

    def _devices(self):
        return [disk.device for disk in self._disks]

    def _mount(self):
        self._engine.control("mount", f"{self._pool}/volume", self.mount)

    def _close(self):
        self._engine.control("umount", self.mount)
        self._engine.control("pool", "close", self._pool)

    def _open(self):
        try:
            self._engine.control("pool", "open", *(["--degraded"] if len(self._disks) < DISKS else []), self._pool,
                                 *self._devices())
        except Failure as failure:
            # Exit code 7: it is open, with less redundancy.
            if "exit code 7" not in str(failure):
                raise
        self._mount()

    def reopen(self):
        self._close()
        self._open()

    def lose_disks(self):
        self._close()
        for index in LOST_DISKS:
            self._disks[index].detach()
        self._disks = [disk for index, disk in enumerate(self._disks) if index not in LOST_DISKS]
        self._open()

    def require_alive(self):
        if not self._engine.process.is_alive():
            raise Failure(f"the engine has ended:\n{self._engine.process.log_tail()}")


class NullFuse(System):
    def __init__(self, workshop, root, java, content_bytes, java_options, name="null"):
        super().__init__(name, "null FUSE")
        self.mount = workshop.mount_point(name)
        self._log = os.path.join(workshop.directory("null"), "null.log")
        target = os.path.join(root, "bench", "target")
        command = [java, "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx1g",
                   *java_options.split(), "-cp", f"{target}/classes:{target}/lib/*",
                   "io.dynamicfs.bench.nullfs.NullFileSystemMain", self.mount, workshop.directory("null"),
                   str(content_bytes), str(MOUNT_THREADS)]
        self._process = Process(workshop, command, self._log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.server = self._process.pid
        self._await_mount()

    def _await_mount(self):
        if not self._process.popen.stdout.readline().startswith("mounted"):
            raise Failure(f"the null file system did not start:\n{self._process.log_tail()}")

    def reopen(self):
        self._process.popen.stdin.write("again\n")
        self._process.popen.stdin.flush()
        self._await_mount()

    def require_alive(self):
        if not self._process.is_alive():
            raise Failure(f"the null file system has ended:\n{self._process.log_tail()}")


class Btrfs(System):
    def __init__(self, workshop, disk_bytes, name="btrfs"):
        super().__init__(name, "btrfs raid6")
        self._disks = workshop.disks(name, DISKS, disk_bytes)
        self.mount = workshop.mount_point(name)
        self._lost = False
        # Without three copies of the metadata two lost disks would be one too many.
        # It takes the sources of all mounts, such as dynamicfs/volume, for paths; they must not lead anywhere.
        run("mkfs.btrfs", "-q", "-f", "-d", "raid6", "-m", "raid1c3", *self._devices(), cwd="/proc")
        workshop.on_exit(lambda: quietly("btrfs", "device", "scan", "--forget"))
        self._mount()

    def _devices(self):
        return [disk.device for disk in self._disks]

    def _mount(self):
        options = ",".join([f"device={device}" for device in self._devices()] + (["degraded"] if self._lost else []))
        run("mount", "-t", "btrfs", "-o", options, self._devices()[0], self.mount)

    def reopen(self):
        run("umount", self.mount)
        self._mount()

    def lose_disks(self):
        run("umount", self.mount)
        for device in self._devices():
            run("btrfs", "device", "scan", "--forget", device)
        for index in LOST_DISKS:
            self._disks[index].detach()
        self._disks = [disk for index, disk in enumerate(self._disks) if index not in LOST_DISKS]
        self._lost = True
        self._mount()

    def require_alive(self):
        if not is_mounted(self.mount):
            raise Failure("btrfs is not mounted any more; see the kernel log")
