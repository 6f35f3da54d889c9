"""Random operations on names, links, modes and attributes in a few shared directories below the working directory.

  sequence --seed N --operations N   one process; prints what every operation answered and then the whole tree, so that two file
                                     systems can be compared line by line
  storm --seed N --operations N --processes N
                                     several processes on the same names at once; then every inode must have as many names as it
                                     says; prints how many inodes there are
"""

import argparse, ctypes, errno, hashlib, os, random, stat, sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
AT_SYMLINK_FOLLOW = 0x400
NOREPLACE, EXCHANGE = 1, 2
USER = 65534
NAMES = 8
MADE_MAX = 60
DEPTH_MAX = 5
OPEN_MAX = 12

# What an operation may answer while others change the same names.
EXPECTED = {'ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EINVAL', 'EBUSY', 'EACCES', 'EPERM', 'ELOOP', 'ENODATA',
            'ENXIO', 'ENAMETOOLONG'}


def native(function, *arguments):
    result = getattr(libc, function)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), function)
    return result


def digest(data):
    return hashlib.sha256(data).hexdigest()[:12]


def kind(mode):
    return stat.filemode(mode)


class Names:
    """Operations that return something printable that is the same on every file system."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.open = []
        self.made = []

    WEIGHTS = [
        ('create', 16), ('write', 10), ('truncate', 4), ('mkdir', 9), ('rmdir', 6), ('unlink', 12), ('link', 9),
        ('symlink', 5), ('readlink', 3), ('mknod', 2), ('rename', 12), ('rename_new', 5), ('exchange', 7), ('chmod', 6),
        ('chown', 3), ('set_attribute', 6), ('get_attribute', 4), ('remove_attribute', 3), ('list_attributes', 2),
        ('stat', 8), ('times', 2), ('list', 4), ('open_unlinked', 4), ('use_open', 6), ('unnamed', 3), ('read', 5),
        ('sync', 1), ('remove_tree_part', 1), ('many_entries', 1),
    ]
    MAKING = {'create', 'mkdir', 'link', 'symlink', 'mknod', 'rename', 'rename_new', 'exchange', 'unnamed'}
    OPERATIONS = [name for name, weight in WEIGHTS for _ in range(weight)]

    def path(self):
        """Up to a few levels below one of three shared directories, the same few names everywhere; often one that was made."""
        if self.made and self.random.random() < 0.5:
            return self.random.choice(self.made)
        parts = ['top%d' % self.random.randrange(3)]
        for _ in range(self.random.choices(range(DEPTH_MAX), (0, 8, 5, 2, 1))[0]):
            name = 'n%d' % self.random.randrange(NAMES)
            if self.random.random() < 0.05:
                name = name + 'x' * self.random.choice([100, 200, 250, 253, 254])
            parts.append(name)
        if self.random.random() < 0.02:
            parts.append(self.random.choice(['.', '..']))
        return '/'.join(parts)

    def data(self, limit=20000):
        return self.random.randbytes(int(2 ** self.random.uniform(0, limit.bit_length() - 1)))

    def step(self):
        operation = self.random.choice(self.OPERATIONS)
        user = self.random.random() < 0.1
        arguments = []
        if user:
            os.setegid(USER)
            os.seteuid(USER)
        try:
            answer = getattr(self, operation)(arguments)
            if operation in self.MAKING:
                self.made.append(arguments[-1])
                del self.made[:-MADE_MAX]
        except OSError as error:
            answer = errno.errorcode.get(error.errno, str(error.errno))
        finally:
            if user:
                os.seteuid(0)
                os.setegid(0)
        return operation, 'user' if user else 'root', arguments, answer

    def some(self, arguments):
        path = self.path()
        arguments.append(path)
        return path

    def keep(self, fd):
        if len(self.open) == OPEN_MAX:
            os.close(self.open.pop(self.random.randrange(OPEN_MAX)))
        self.open.append(fd)

    def create(self, arguments):
        path = self.some(arguments)
        data = self.data()
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | self.random.choice([os.O_EXCL, os.O_EXCL, 0, os.O_TRUNC])
        fd = os.open(path, flags, self.random.choice([0o644, 0o666, 0o600, 0o755, 0o4755, 0o2770, 0]))
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                return os.write(fd, data)
            return 'opened'
        finally:
            os.close(fd)

    def write(self, arguments):
        path = self.some(arguments)
        data = self.data()
        offset = self.random.choice([0, self.random.randrange(30000)])
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | self.random.choice([0, os.O_APPEND]))
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                return os.pwrite(fd, data, offset)
            return 'opened'
        finally:
            os.close(fd)

    def truncate(self, arguments):
        path, size = self.some(arguments), self.random.choice([0, 1, 5000, 123456])
        if stat.S_ISLNK(os.lstat(path).st_mode):
            return 'symlink'
        return os.truncate(path, size)

    def read(self, arguments):
        path = self.some(arguments)
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                return digest(os.read(fd, 1 << 20))
            return 'opened'
        finally:
            os.close(fd)

    def mkdir(self, arguments):
        return os.mkdir(self.some(arguments), self.random.choice([0o755, 0o777, 0o1777, 0o2775, 0o700]))

    def rmdir(self, arguments):
        return os.rmdir(self.some(arguments))

    def unlink(self, arguments):
        return os.unlink(self.some(arguments))

    def link(self, arguments):
        return os.link(self.some(arguments), self.some(arguments), follow_symlinks=False)

    def symlink(self, arguments):
        target = self.random.choice([self.path(), 'n%d' % self.random.randrange(NAMES), '..', 'y' * 300, 'y' * 4095])
        return os.symlink(target, self.some(arguments))

    def readlink(self, arguments):
        return digest(os.readlink(self.some(arguments)).encode())

    def mknod(self, arguments):
        mode = self.random.choice([stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFREG, stat.S_IFCHR, stat.S_IFBLK])
        return os.mknod(self.some(arguments), mode | 0o640, os.makedev(1, 3))

    def rename_with(self, arguments, flags):
        old, new = self.some(arguments), self.some(arguments)
        return native('renameat2', AT_FDCWD, old.encode(), AT_FDCWD, new.encode(), flags)

    def rename(self, arguments):
        return self.rename_with(arguments, 0)

    def rename_new(self, arguments):
        return self.rename_with(arguments, NOREPLACE)

    def exchange(self, arguments):
        return self.rename_with(arguments, EXCHANGE)

    def chmod(self, arguments):
        path, mode = self.some(arguments), self.random.choice([0o644, 0o777, 0o1777, 0o6755, 0o2755, 0o000, 0o700])
        if stat.S_ISLNK(os.lstat(path).st_mode):
            return 'symlink'
        return os.chmod(path, mode)

    def chown(self, arguments):
        path = self.some(arguments)
        uid, gid = self.random.choice([(USER, -1), (-1, USER), (0, 0), (USER, USER), (-1, -1)])
        if os.geteuid() != 0 and (uid, gid) == (-1, -1):
            # The one difference that is known: docs/posix.md.
            uid = 0
        arguments += ['%d:%d' % (uid, gid)]
        return os.chown(path, uid, gid, follow_symlinks=False)

    ATTRIBUTES = ['user.a', 'user.b', 'trusted.t', 'security.s']

    def set_attribute(self, arguments):
        path, name = self.some(arguments), self.random.choice(self.ATTRIBUTES)
        value = self.random.randbytes(self.random.randrange(60))
        flags = self.random.choice([0, 0, os.XATTR_CREATE, os.XATTR_REPLACE])
        arguments.append(name)
        return os.setxattr(path, name, value, flags, follow_symlinks=False)

    def get_attribute(self, arguments):
        path, name = self.some(arguments), self.random.choice(self.ATTRIBUTES)
        return digest(os.getxattr(path, name, follow_symlinks=False))

    def remove_attribute(self, arguments):
        path, name = self.some(arguments), self.random.choice(self.ATTRIBUTES)
        return os.removexattr(path, name, follow_symlinks=False)

    def list_attributes(self, arguments):
        path = self.some(arguments)
        return sorted(name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith('trusted.'))

    def stat(self, arguments):
        found = os.lstat(self.some(arguments))
        size = '-' if stat.S_ISDIR(found.st_mode) else found.st_size
        return kind(found.st_mode), found.st_nlink, found.st_uid, found.st_gid, size

    def times(self, arguments):
        path = self.some(arguments)
        os.utime(path, ns=(self.random.randrange(-10 ** 18, 10 ** 19 // 2), 123456789), follow_symlinks=False)
        return os.lstat(path).st_atime_ns

    def list(self, arguments):
        with os.scandir(self.some(arguments)) as entries:
            return digest('\n'.join(sorted('%s %s %s' % (
                entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries)).encode())

    def open_unlinked(self, arguments):
        path = self.some(arguments)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640)
        self.keep(fd)
        return os.unlink(path)

    def use_open(self, arguments):
        if not self.open:
            return 'none'
        fd = self.random.choice(self.open)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return 'special'
        written = os.pwrite(fd, self.data(), self.random.randrange(5000))
        os.fchmod(fd, self.random.choice([0o600, 0o644]))
        return found.st_nlink, found.st_size, written, digest(os.pread(fd, 1 << 20, 0)), kind(os.fstat(fd).st_mode)

    def unnamed(self, arguments):
        directory, path = self.some(arguments), self.some(arguments)
        fd = os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o644)
        self.keep(fd)
        os.write(fd, self.data())
        return native('linkat', AT_FDCWD, b'/proc/self/fd/%d' % fd, AT_FDCWD, path.encode(), AT_SYMLINK_FOLLOW)

    def sync(self, arguments):
        fd = os.open(self.some(arguments), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return os.fsync(fd) if stat.S_IFMT(os.fstat(fd).st_mode) in (stat.S_IFREG, stat.S_IFDIR) else 'special'
        finally:
            os.close(fd)

    def remove_tree_part(self, arguments):
        """All files of one directory."""
        path = self.some(arguments)
        removed = 0
        for name in sorted(os.listdir(path)):
            try:
                os.unlink(path + '/' + name)
                removed += 1
            except OSError:
                pass
        return removed

    def many_entries(self, arguments):
        """A directory that grows and vanishes again, renamed once while it is full."""
        path = self.some(arguments) + '-many'
        os.mkdir(path)
        for i in range(150):
            os.link(path + '/0', path + '/%d' % i) if i % 10 == 5 else os.close(
                os.open(path + '/%d' % i, os.O_CREAT | os.O_WRONLY, 0o600))
        os.rename(path, path + '2')
        count = len(os.listdir(path + '2'))
        links = os.stat(path + '2/0').st_nlink
        for i in range(150):
            os.unlink(path + '2/%d' % i)
        os.rmdir(path + '2')
        return count, links

    def close(self):
        for fd in self.open:
            os.close(fd)
        self.open = []


def tree(show):
    """Calls show with (path, lstat) of everything below the working directory, in order, and checks what must hold everywhere."""
    names_of = {}
    links_of = {}
    wrong = []

    def walk(directory):
        subdirectories = 0
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        if len({entry.name for entry in found}) != len(found):
            wrong.append('%s: a name is listed twice' % directory)
        for entry in found:
            status = os.lstat(entry.path)
            if entry.inode() != status.st_ino:
                wrong.append('%s: listed as inode %d, found %d' % (entry.path, entry.inode(), status.st_ino))
            if entry.is_dir(follow_symlinks=False) != stat.S_ISDIR(status.st_mode):
                wrong.append('%s: listed with another type' % entry.path)
            show(entry.path, status)
            names_of.setdefault(status.st_ino, []).append(entry.path)
            links_of[status.st_ino] = (status.st_nlink, stat.S_ISDIR(status.st_mode))
            if stat.S_ISDIR(status.st_mode):
                subdirectories += 1
                walk(entry.path)
        if os.lstat(directory).st_nlink != 2 + subdirectories:
            wrong.append('%s: expected %d links, found %d' % (directory, 2 + subdirectories, os.lstat(directory).st_nlink))

    walk('.')
    for inode, (links, is_directory) in links_of.items():
        if is_directory and len(names_of[inode]) != 1:
            wrong.append('a directory has the names %s' % names_of[inode])
        if not is_directory and links != len(names_of[inode]):
            wrong.append('%d links, but these names: %s' % (links, names_of[inode]))
    return len(names_of) + 1, wrong


def attributes(path):
    return sorted((name, digest(os.getxattr(path, name, follow_symlinks=False)))
                  for name in os.listxattr(path, follow_symlinks=False))


def prepare():
    os.umask(0o022)
    for i in range(3):
        os.makedirs('top%d' % i, exist_ok=True)
        os.chmod('top%d' % i, 0o777)


def sequence(options):
    prepare()
    names = Names(options.seed)
    for index in range(options.operations):
        operation, user, arguments, answer = names.step()
        print(index, operation, user, ' '.join(arguments), '->', answer, flush=True)
    names.close()
    first = {}

    def show(path, status):
        content = ''
        if stat.S_ISREG(status.st_mode):
            with open(path, 'rb') as file:
                content = digest(file.read())
        elif stat.S_ISLNK(status.st_mode):
            content = digest(os.readlink(path).encode())
        size = '-' if stat.S_ISDIR(status.st_mode) else status.st_size
        print(path, kind(status.st_mode), status.st_nlink, status.st_uid, status.st_gid, size, status.st_rdev, content,
              attributes(path), 'same as', first.setdefault(status.st_ino, path))
    _, wrong = tree(show)
    for line in wrong:
        print('wrong:', line)


def storm(options):
    prepare()
    children = []
    for number in range(options.processes):
        child = os.fork()
        if child == 0:
            names = Names(options.seed * 1000 + number)
            status = 0
            for index in range(options.operations):
                operation, user, arguments, answer = names.step()
                if isinstance(answer, str) and answer.startswith('E') and answer not in EXPECTED:
                    print('process %d, operation %d: %s %s %s: %s' % (number, index, operation, user, arguments, answer))
                    status = 1
            sys.stdout.flush()
            names.close()
            os._exit(status)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    inodes, wrong = tree(lambda path, status: None)
    for line in wrong:
        print('wrong:', line)
    if failed or wrong:
        sys.exit(1)
    print('inodes=%d' % inodes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['sequence', 'storm'])
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--operations', type=int, required=True)
    parser.add_argument('--processes', type=int, default=4)
    options = parser.parse_args()
    {'sequence': sequence, 'storm': storm}[options.what](options)


main()
