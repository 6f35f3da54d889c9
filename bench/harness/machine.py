"""The machine under the benchmark: commands, RAM-backed disks, and what has to be undone."""

import os
import shutil
import signal
import subprocess
import tempfile

COMMAND_SECONDS_MAX = 1800


class Failure(Exception):
    """A message for people; the benchmark ends or the workload is left out."""


def run(*command, cwd=None, env=None, stdin=None, timeout=COMMAND_SECONDS_MAX):
    """Runs a command to its end and returns its output; a failure shows what it said."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, cwd=cwd, env=env, input=stdin, timeout=timeout, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: did not end within {timeout} s") from None
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout


def quietly(*command):
    """Runs a command of the clean-up, where nothing that fails may keep the rest from being undone."""
    try:
        subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        pass


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        return any(line.split(" ")[4] == str(path) for line in mounts)


class Workshop:
    """A tmpfs of its own, with disks in it. Everything that was made is undone in the opposite order."""

    def __init__(self, ram_bytes):
        self._undo = []
        self.path = tempfile.mkdtemp(prefix="dynamicfs-bench-", dir="/tmp")
        self.on_exit(lambda: shutil.rmtree(self.path, ignore_errors=True))
        run("mount", "-t", "tmpfs", "-o", f"size={ram_bytes},mode=0755", "tmpfs", self.path)
        self.on_exit(lambda: self._unmount(self.path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while self._undo:
            try:
                self._undo.pop()()
            except Exception as failure:  # pylint: disable=broad-except
                print(f"clean-up: {failure}", flush=True)

    def on_exit(self, action):
        self._undo.append(action)

    def directory(self, *names):
        path = os.path.join(self.path, *names)
        os.makedirs(path, exist_ok=True)
        return path

    def mount_point(self, name):
        """A directory that is unmounted at the end, whoever has mounted there."""
        path = self.directory("mnt", name)
        self.on_exit(lambda: self._unmount(path))
        return path

    def disks(self, name, count, size):
        """Loop devices on sparse files in RAM."""
        return [self._disk(os.path.join(self.directory("disks"), f"{name}{i}"), size) for i in range(count)]

    def _disk(self, path, size):
        with open(path, "wb") as file:
            file.truncate(size)
        device = run("losetup", "--find", "--show", path).strip()
        disk = Disk(device, path)
        self.on_exit(disk.detach)
        return disk

    @staticmethod
    def _unmount(path):
        while is_mounted(path):
            quietly("umount", path)
            if is_mounted(path):
                quietly("umount", "-l", path)


class Disk:
    def __init__(self, device, path):
        self.device = device
        self._path = path
        self._attached = True

    def detach(self):
        if self._attached:
            self._attached = False
            quietly("losetup", "-d", self.device)
            os.unlink(self._path)


class Process:
    """A server that is ended with the benchmark. It has a session of its own, so that Ctrl-C reaches only the benchmark."""

    def __init__(self, workshop, command, log, stdin=None, stdout=None, env=None, cwd=None):
        self._log = log
        with open(log, "ab") as errors:
            self.popen = subprocess.Popen([str(part) for part in command], stdin=stdin, stdout=stdout or errors,
                                          stderr=errors, env=env, cwd=cwd, text=True, start_new_session=True)
        workshop.on_exit(self.stop)

    @property
    def pid(self):
        return self.popen.pid

    def is_alive(self):
        return self.popen.poll() is None

    def log_tail(self):
        with open(self._log, encoding="utf-8", errors="replace") as lines:
            return "".join(lines.readlines()[-15:])

    def stop(self):
        if self.popen.stdin:
            try:
                self.popen.stdin.close()
            except OSError:
                pass
        if self.is_alive():
            self.popen.terminate()
        try:
            self.popen.wait(60)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
