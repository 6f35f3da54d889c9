"""System calls on the file system of the working directory; prints one line for each step: scenario, step and answer.

Every scenario runs in a directory of its own. Nothing that differs between two runs on one file system is printed: no inode
numbers, no times of now. Arguments: names of scenarios; none means all.
"""

import ctypes, errno, fcntl, mmap, os, resource, socket, stat, struct, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_SYMLINK_FOLLOW = 0x400
AT_SYMLINK_NOFOLLOW = 0x100
O_TMPFILE = os.O_TMPFILE
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE, UNSHARE_RANGE = 1, 2, 8, 16, 32, 64
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2

scenarios = {}
lines = []
current = ['']


def scenario(function):
    scenarios[function.__name__] = function
    return function


def say(step, answer):
    lines.append('%s\t%s\t%s' % (current[0], step, answer))


def name_of(number):
    return errno.errorcode.get(number, str(number))


def answer(call, *arguments, **named):
    """What a call gives: its value, or the name of its error."""
    try:
        return call(*arguments, **named)
    except OSError as error:
        return name_of(error.errno)


def call(step, function, *arguments, **named):
    result = answer(function, *arguments, **named)
    say(step, result)
    return result


def native(function, *arguments):
    """A function of the C library that gives -1 and errno."""
    result = getattr(libc, function)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), function)
    return result


def longs(*values):
    return [ctypes.c_long(value) for value in values]


def fallocate(fd, mode, offset, length):
    return native('fallocate', fd, mode, *longs(offset, length))


def renameat2(old, new, flags):
    return native('renameat2', AT_FDCWD, old.encode(), AT_FDCWD, new.encode(), flags)


def linkat(fd, new):
    return native('linkat', AT_FDCWD, b'/proc/self/fd/%d' % fd, AT_FDCWD, new.encode(), AT_SYMLINK_FOLLOW)


class Timespec(ctypes.Structure):
    _fields_ = [('seconds', ctypes.c_long), ('nanos', ctypes.c_long)]


def utimensat(path, accessed, modified, flags=0):
    times = (Timespec * 2)(Timespec(*accessed), Timespec(*modified))
    return native('utimensat', AT_FDCWD, path.encode(), times, flags)


def write_file(path, data=b'', mode=0o644):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        done = 0
        while done < len(data):
            done += os.write(fd, data[done:])
    finally:
        os.close(fd)


def read_file(path):
    with open(path, 'rb') as file:
        return file.read()


def pattern(length, seed=1):
    return bytes((seed * 31 + i * 7 + i // 251) % 251 + 1 for i in range(length))


def show(path):
    found = os.lstat(path)
    kind = stat.filemode(found.st_mode)
    size = found.st_size if not stat.S_ISDIR(found.st_mode) else '-'
    return '%s %d %d:%d %s' % (kind, found.st_nlink, found.st_uid, found.st_gid, size)


def as_user(uid, gid, function, *arguments, groups=()):
    """Runs in a child as another user; gives its printable answer."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        text = ''
        try:
            os.setgroups(list(groups))
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            text = str(answer(function, *arguments))
        except BaseException as failure:
            text = 'failed: ' + repr(failure)
        finally:
            os.write(theirs, text.encode())
            os._exit(0)
    os.close(theirs)
    text = b''
    while True:
        part = os.read(ours, 65536)
        if not part:
            break
        text += part
    os.close(ours)
    os.waitpid(child, 0)
    return text.decode()


def create(path, mode=0o666):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    return 'made'


@scenario
def names_and_links():
    os.mkdir('d')
    write_file('f', b'text')
    call('create in a file', create, 'f/x')
    call('create twice', create, 'f')
    call('create with a slash at the end', create, 'g/')
    call('mkdir over a file', os.mkdir, 'f')
    call('rmdir of a file', os.rmdir, 'f')
    call('unlink of a directory', os.unlink, 'd')
    call('rmdir of dot', os.rmdir, 'd/.')
    call('rmdir of dot dot', os.rmdir, 'd/..')
    call('link of a directory', os.link, 'd', 'e')
    call('link over a file', os.link, 'f', 'd')
    os.link('f', 'd/same')
    say('linked', show('f'))
    call('rename onto the same file', os.rename, 'f', 'd/same')
    say('both still there', (os.path.exists('f'), os.path.exists('d/same')))
    os.symlink('f', 's')
    call('O_NOFOLLOW on a symlink', os.open, 's', os.O_RDONLY | os.O_NOFOLLOW)
    call('link of a symlink', os.link, 's', 's2', follow_symlinks=False)
    say('a symlink with two names', show('s2'))
    call('open O_DIRECTORY on a file', os.open, 'f', os.O_DIRECTORY)
    call('open a directory for writing', os.open, 'd', os.O_WRONLY)
    call('O_CREAT on a directory', os.open, 'd', os.O_CREAT)
    call('O_EXCL on a dangling symlink', lambda: (os.symlink('none', 'x'), create('x')))
    call('O_CREAT through a dangling symlink', lambda: os.close(os.open('x', os.O_CREAT | os.O_WRONLY)))
    say('its target', show('none'))
    call('a symlink to itself', lambda: (os.symlink('loop', 'loop'), os.stat('loop')))
    call('symlink of nothing', os.symlink, '', 'empty')
    for length in (4094, 4095, 4096):
        call('symlink of %d bytes' % length, lambda: os.symlink('x' * length, 'l%d' % length))
    call('its length', lambda: len(os.readlink('l4095')))
    call('a name of 255 bytes', create, 'n' * 255)
    call('a name of 256 bytes', create, 'n' * 256)
    call('lookup of 256 bytes', os.stat, 'n' * 256)
    call('rename to 256 bytes', os.rename, 'f', 'n' * 256)
    call('a path of 4096 bytes', os.stat, '/' * 4096)
    call('readlink of a file', os.readlink, 'f')
    call('truncate of a directory', os.truncate, 'd', 1)
    call('truncate to a negative size', os.truncate, 'f', -1)
    call('read of a directory', lambda: os.read(os.open('d', os.O_RDONLY), 1))


@scenario
def renames():
    for name in ('a', 'b', 'a/in', 'full', 'full/x', 'empty'):
        os.mkdir(name)
    write_file('f', b'one')
    write_file('g', b'two')
    call('directory into itself', os.rename, 'a', 'a/in/x')
    call('directory over a full one', os.rename, 'empty', 'full')
    call('directory over its own parent', os.rename, 'a/in', 'a')
    call('directory over a file', os.rename, 'a', 'f')
    call('file over a directory', os.rename, 'f', 'a')
    call('directory over an empty one', os.rename, 'b', 'empty')
    say('links', (os.stat('.').st_nlink, show('empty')))
    call('a name that is not there', os.rename, 'none', 'x')
    call('dot', os.rename, '.', 'x')
    call('dot dot', os.rename, 'a/..', 'x')
    call('file with a slash', os.rename, 'f', 'x/')
    call('directory with a slash', os.rename, 'empty/', 'moved/')
    call('no replace over a file', renameat2, 'f', 'g', 1)
    call('no replace to a new name', renameat2, 'f', 'h', 1)
    call('exchange with nothing', renameat2, 'h', 'none', 2)
    call('exchange of files', renameat2, 'h', 'g', 2)
    say('exchanged', (read_file('h'), read_file('g')))
    call('exchange of a file and a directory', renameat2, 'h', 'full', 2)
    say('exchanged', (show('h'), show('full'), os.stat('.').st_nlink))
    call('exchange across directories', renameat2, 'h', 'a/in', 2)
    say('exchanged', (show('h'), show('a/in'), show('a')))
    call('exchange with an ancestor', renameat2, 'a', 'a/in', 2)
    call('no replace and exchange', renameat2, 'h', 'a', 3)
    call('an unknown flag', renameat2, 'h', 'a', 16)
    os.mkdir('gone')
    inside = os.open('gone', os.O_RDONLY)
    os.rmdir('gone')
    call('create in a removed directory', os.open, 'x', os.O_CREAT | os.O_WRONLY, dir_fd=inside)
    call('mkdir in a removed directory', os.mkdir, 'x', dir_fd=inside)
    call('list a removed directory', os.listdir, inside)
    say('links of a removed directory', os.fstat(inside).st_nlink)
    file = os.open('full', os.O_RDWR)
    os.rename('g', 'full')
    say('replaced while open', (os.fstat(file).st_nlink, os.pread(file, 10, 0)))
    os.pwrite(file, b'more', 3)
    say('written after', os.pread(file, 10, 0))


@scenario
def permissions():
    os.mkdir('sticky', 0o777)
    os.chmod('sticky', 0o1777)
    as_user(1000, 1000, create, 'sticky/one')
    say('a file of 1000', show('sticky/one'))
    say('another may not unlink it', as_user(1001, 1001, os.unlink, 'sticky/one'))
    say('nor rename it', as_user(1001, 1001, os.rename, 'sticky/one', 'sticky/two'))
    say('nor rename over it', as_user(1001, 1001, lambda: (create('sticky/x'), os.rename('sticky/x', 'sticky/one'))))
    say('nor exchange it', as_user(1001, 1001, renameat2, 'sticky/x', 'sticky/one', 2))
    say('the owner may', as_user(1000, 1000, os.unlink, 'sticky/one'))
    os.mkdir('closed', 0o755)
    say('create without write permission', as_user(1000, 1000, create, 'closed/f'))
    os.mkdir('hidden', 0o700)
    say('stat behind a closed directory', as_user(1000, 1000, os.stat, 'hidden/f'))
    write_file('f', b'x', 0o600)
    say('read without permission', as_user(1000, 1000, read_file, 'f'))
    say('chmod of another file', as_user(1000, 1000, os.chmod, 'f', 0o777))
    say('chown of another file', as_user(1000, 1000, os.chown, 'f', 1000, -1))
    say('truncate without permission', as_user(1000, 1000, os.truncate, 'f', 0))
    say('set times without permission', as_user(1000, 1000, os.utime, 'f', (1, 1)))
    os.chmod('f', 0o666)
    say('touch of a writable file', as_user(1000, 1000, os.utime, 'f', None))
    say('times of a writable file', as_user(1000, 1000, os.utime, 'f', (1, 1)))
    say('access', [as_user(1000, 1000, os.access, 'f', mode) for mode in (os.R_OK, os.W_OK, os.X_OK)])
    os.chown('f', 1000, 1000)
    say('give away', as_user(1000, 1000, os.chown, 'f', 1001, -1))
    say('to an own group', as_user(1000, 1000, os.chown, 'f', -1, 2000, groups=[2000]))
    say('to a foreign group', as_user(1000, 1000, os.chown, 'f', -1, 2001))
    say('after', show('f'))
    say('mknod of a device', as_user(1000, 1000, os.mknod, 'sticky/dev', 0o666 | stat.S_IFCHR, os.makedev(1, 3)))
    say('the trusted namespace', as_user(1000, 1000, os.setxattr, 'f', 'trusted.x', b'1'))


@scenario
def set_id_bits():
    os.chmod('.', 0o777)

    def shown(path):
        return '%o' % (os.stat(path).st_mode & 0o7777)

    def fresh(mode, owner=1000):
        if os.path.exists('f'):
            os.unlink('f')
        write_file('f', b'abcdef')
        os.chown('f', owner, owner)
        os.chmod('f', mode)

    def overwrite():
        fd = os.open('f', os.O_WRONLY)
        os.write(fd, b'x')
        os.close(fd)

    for mode in (0o6755, 0o6777, 0o2745, 0o4711):
        fresh(mode)
        say('%o written by its owner' % mode, (as_user(1000, 1000, overwrite), shown('f')))
        fresh(mode)
        say('%o written by root' % mode, (call_quietly(overwrite), shown('f')))
        fresh(mode)
        say('%o truncated by its owner' % mode, (as_user(1000, 1000, os.truncate, 'f', 2), shown('f')))
        fresh(mode)
        say('%o opened with O_TRUNC' % mode, (as_user(1000, 1000, write_file, 'f', b''), shown('f')))
        fresh(mode)
        say('%o chown by root' % mode, (call_quietly(lambda: os.chown('f', 1001, 1001)), shown('f')))
        fresh(mode)
        say('%o chown to the same' % mode, (call_quietly(lambda: os.chown('f', 1000, 1000)), shown('f')))
        fresh(mode)
        say('%o chown of nothing' % mode, (call_quietly(lambda: os.chown('f', -1, -1)), shown('f')))
        fresh(mode)
        say('%o chown of nothing by its owner' % mode, (as_user(1000, 1000, os.chown, 'f', -1, -1), shown('f')))
        fresh(mode)
        say('%o chown of nothing by another' % mode, (as_user(1001, 1001, os.chown, 'f', -1, -1), shown('f')))
        fresh(mode)
        say('%o chgrp by its owner' % mode, (as_user(1000, 1000, os.chown, 'f', -1, 2000, groups=[2000]), shown('f')))
        fresh(mode)
        say('%o punched by its owner' % mode,
            (as_user(1000, 1000, lambda: fallocate(os.open('f', os.O_WRONLY), PUNCH_HOLE | KEEP_SIZE, 0, 2)), shown('f')))
    fresh(0o777)
    os.setxattr('f', 'security.capability', bytes.fromhex('0100000200000000000000000000000000000000'))
    say('capability', len(os.getxattr('f', 'security.capability')))
    as_user(1000, 1000, overwrite)
    call('capability after a write', lambda: len(os.getxattr('f', 'security.capability')))
    fresh(0o777)
    os.setxattr('f', 'security.capability', bytes.fromhex('0100000200000000000000000000000000000000'))
    os.chown('f', 1001, 1001)
    call('capability after chown', lambda: len(os.getxattr('f', 'security.capability')))
    os.mkdir('g')
    os.chown('g', 1000, 2000)
    os.chmod('g', 0o2777)
    as_user(1001, 1001, create, 'g/f')
    as_user(1001, 1001, os.mkdir, 'g/d')
    as_user(1001, 1001, os.symlink, 'x', 'g/s')
    as_user(1001, 1001, os.mkfifo, 'g/p')
    say('set-group-id is inherited', [show('g/' + n) for n in 'fdsp'])
    say('not for a foreign group', (as_user(1001, 1001, lambda: os.close(os.open('g/x', os.O_CREAT | os.O_WRONLY, 0o2755))),
                                    show('g/x')))
    say('chmod with a foreign group', (as_user(1001, 1001, os.chmod, 'g/x', 0o2755), show('g/x')))
    os.mkdir('h')
    os.chmod('h', 0o6777)
    os.chown('h', 1001, 1001)
    say('a directory keeps its bits', show('h'))


def call_quietly(function):
    result = answer(function)
    return result


@scenario
def special_files():
    call('fifo', os.mkfifo, 'p', 0o640)
    call('socket by mknod', os.mknod, 's', 0o600 | stat.S_IFSOCK)
    call('character device', os.mknod, 'c', 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    call('block device', os.mknod, 'b', 0o660 | stat.S_IFBLK, os.makedev(259, 70000))
    call('regular file', os.mknod, 'r', 0o600 | stat.S_IFREG)
    call('directory by mknod', os.mknod, 'd', 0o600 | stat.S_IFDIR)
    say('shown', [show(n) for n in 'pscbr'])
    say('devices', [(os.major(os.stat(n).st_rdev), os.minor(os.stat(n).st_rdev)) for n in 'cb'])
    say('read of /dev/zero', os.read(os.open('c', os.O_RDONLY), 4))
    reader = os.open('p', os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open('p', os.O_WRONLY)
    os.write(writer, b'through')
    say('through the fifo', os.read(reader, 100))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind('u')
    listening.listen()
    client = socket.socket(socket.AF_UNIX)
    client.connect('u')
    other, _ = listening.accept()
    client.send(b'hello')
    say('through the socket', other.recv(10))
    say('socket', show('u')[0])
    call('bind twice', lambda: socket.socket(socket.AF_UNIX).bind('u'))


@scenario
def times():
    write_file('f', b'x')

    def shown(path='f'):
        found = os.lstat(path)
        return found.st_atime_ns, found.st_mtime_ns

    call('nanoseconds', utimensat, 'f', (1, 1), (2, 999999999))
    say('times', shown())
    call('before 1970', utimensat, 'f', (-1, 5), (-2000000000, 999999999))
    say('times', shown())
    call('after 2038', utimensat, 'f', (5000000000, 3), (10000000000, 4))
    say('times', shown())
    call('omit one', utimensat, 'f', (0, UTIME_OMIT), (7, 7))
    say('times', shown())
    call('omit the other', utimensat, 'f', (9, 9), (0, UTIME_OMIT))
    say('times', shown())
    before = time.time_ns() - 2_000_000_000
    call('now', utimensat, 'f', (1, 1), (0, UTIME_NOW))
    found = shown()
    say('now is now', (found[0], before <= found[1] <= time.time_ns() + 1_000_000_000))
    call('nanoseconds out of range', utimensat, 'f', (1, 1000000000), (1, 1))
    os.symlink('f', 's')
    call('of a symlink', utimensat, 's', (11, 1), (12, 2), AT_SYMLINK_NOFOLLOW)
    say('its times', (shown('s'), shown()[0]))

    def changes(step, function, *names):
        for name in names:
            utimensat(name, (1000, 0), (1000, 0), AT_SYMLINK_NOFOLLOW)
        ctimes = {name: os.lstat(name).st_ctime_ns for name in names}
        time.sleep(0.012)
        result = answer(function)
        said = []
        for name in names:
            after = os.lstat(name)
            said.append((name, 'mtime' if after.st_mtime_ns != 1000_000_000_000 else '-',
                         'ctime' if after.st_ctime_ns != ctimes[name] else '-'))
        say('changed by ' + step, (result, said))

    def truncate(size):
        fd = os.open('f', os.O_WRONLY)
        os.ftruncate(fd, size)
        os.close(fd)

    changes('write', lambda: write_file_at('f', b'abc'), 'f')
    changes('chmod', lambda: os.chmod('f', 0o600), 'f')
    changes('chown', lambda: os.chown('f', 1, 1), 'f')
    changes('truncate', lambda: os.truncate('f', 1), 'f')
    changes('ftruncate to the same size', lambda: truncate(1), 'f')
    changes('O_TRUNC of an empty file', lambda: (os.truncate('f', 0), write_file('f'))[1], 'f')
    changes('link', lambda: os.link('f', 'l'), 'f', '.')
    changes('rename', lambda: os.rename('l', 'm'), 'f', '.')
    changes('unlink', lambda: os.unlink('m'), 'f', '.')
    changes('setxattr', lambda: os.setxattr('f', 'user.a', b'1'), 'f')
    changes('removexattr', lambda: os.removexattr('f', 'user.a'), 'f')
    changes('mkdir', lambda: os.mkdir('d'), '.')
    changes('create below', lambda: create('d/x'), 'd', '.')
    changes('empty write', lambda: write_file_at('f', b''), 'f')
    changes('allocation', lambda: on_fd('f', lambda fd: fallocate(fd, 0, 0, 10000)), 'f')
    changes('punching', lambda: on_fd('f', lambda fd: fallocate(fd, 3, 0, 5000)), 'f')
    changes('a refused create', lambda: create('f'), 'f', '.')
    keeps = on_fd('f', lambda fd: (os.write(fd, b'y'), utimensat('f', (3, 3), (4, 4)), os.fsync(fd)))
    say('times set after a write stay', shown())
    birth = statx('f')
    say('birth', (birth[0], before <= birth[1] <= time.time_ns()))


def write_file_at(path, data, offset=0):
    return on_fd(path, lambda fd: os.pwrite(fd, data, offset))


def on_fd(path, function, flags=os.O_RDWR):
    fd = os.open(path, flags)
    try:
        return function(fd)
    finally:
        os.close(fd)


def statx(path):
    """Whether there is a time of birth, and it in nanoseconds."""
    buffer = ctypes.create_string_buffer(256)
    native('statx', AT_FDCWD, path.encode(), 0, 0xfff, buffer)
    mask = struct.unpack_from('<I', buffer, 0)[0]
    seconds, nanos = struct.unpack_from('<qI', buffer, 80)
    return bool(mask & 0x800), seconds * 1_000_000_000 + nanos


@scenario
def access_times():
    os.mkdir('d')
    write_file('d/f', b'content')

    os.symlink('f', 'd/link')

    def after(function, path, accessed=1, modified=2):
        utimensat(path, (accessed, 0), (modified, 0))
        function()
        return 'kept' if os.lstat(path).st_atime_ns == accessed * 1_000_000_000 else 'changed'

    def mapped():
        with open('d/f', 'rb') as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
            return mapping[:]

    def link_after(function):
        utimensat('d/link', (1, 0), (2, 0), AT_SYMLINK_NOFOLLOW)
        function()
        return 'kept' if os.lstat('d/link').st_atime_ns == 1_000_000_000 else 'changed'

    recent, hour = int(time.time()) + 3600, 3600

    say('by a read', after(lambda: read_file('d/f'), 'd/f'))
    say('by listing', after(lambda: os.listdir('d'), 'd'))
    say('by a read with O_NOATIME', after(lambda: on_fd('d/f', lambda fd: os.read(fd, 5), os.O_RDONLY | os.O_NOATIME), 'd/f'))
    say('by stat', after(lambda: os.stat('d/f'), 'd/f'))
    say('by a read of a cached page', after(lambda: read_file('d/f'), 'd/f'))
    say('by a mapping', after(mapped, 'd/f'))
    say('by sendfile', after(lambda: on_fd('d/f', lambda fd: on_fd('d/copy', lambda to: os.sendfile(to, fd, 0, 5), os.O_RDWR | os.O_CREAT), os.O_RDONLY), 'd/f'))
    say('by a read after an access that is younger than the change', after(lambda: read_file('d/f'), 'd/f', recent, recent - hour))
    say('by readlink', link_after(lambda: os.readlink('d/link')))
    say('by following a link', link_after(lambda: read_file('d/link')))
    say('by opening without reading', after(lambda: on_fd('d/f', lambda fd: None, os.O_RDONLY), 'd/f'))
    say('by opening for writing', after(lambda: on_fd('d/f', lambda fd: None, os.O_RDWR), 'd/f'))
    say('by opening a directory', after(lambda: on_fd('d', lambda fd: None, os.O_RDONLY | os.O_DIRECTORY), 'd'))
    before = os.stat('d/f').st_mtime_ns
    read_file('d/f')
    say('a read changes no other time', (os.stat('d/f').st_mtime_ns == before))
    write_file('d/new', b'x')
    read_file('d/new')
    first = os.stat('d/new').st_atime_ns
    read_file('d/new')
    say('a second read', os.stat('d/new').st_atime_ns == first)


@scenario
def allocation():
    data = pattern(100_000)

    def fresh(name='f', content=data):
        write_file(name, content)
        return os.open(name, os.O_RDWR)

    def content(fd):
        os.lseek(fd, 0, os.SEEK_SET)
        found = b''
        while True:
            part = os.read(fd, 1 << 20)
            if not part:
                return found
            found += part

    def zeroed(start, end, size=len(data), base=data):
        expected = bytearray(base[:size] + bytes(max(0, size - len(base))))
        expected[start:min(end, size)] = bytes(max(0, min(end, size) - start))
        return bytes(expected)

    fd = fresh()
    call('default within', fallocate, fd, 0, 10, 5000)
    say('unchanged', (content(fd) == data, os.fstat(fd).st_size))
    call('default beyond', fallocate, fd, 0, 90_000, 60_000)
    say('grown', (content(fd) == data + bytes(50_000), os.fstat(fd).st_size))
    fd = fresh()
    call('keep size', fallocate, fd, KEEP_SIZE, 90_000, 1_000_000)
    say('unchanged', (content(fd) == data, os.fstat(fd).st_size))
    for start, length in ((0, 4096), (4096, 8192), (5000, 100), (5000, 30_000), (70_000, 100_000), (200_000, 10), (0, 100_000)):
        fd = fresh()
        os.fsync(fd) if start % 1000 == 0 else None
        call('punch %d %d' % (start, length), fallocate, fd, PUNCH_HOLE | KEEP_SIZE, start, length)
        say('punched', (content(fd) == zeroed(start, start + length), os.fstat(fd).st_size))
        os.fsync(fd)
        say('after fsync', content(fd) == zeroed(start, start + length))
        fd = fresh()
        call('zero, keep size %d %d' % (start, length), fallocate, fd, ZERO_RANGE | KEEP_SIZE, start, length)
        say('zeroed', (content(fd) == zeroed(start, start + length), os.fstat(fd).st_size))
        fd = fresh()
        os.fsync(fd)
        call('zero %d %d' % (start, length), fallocate, fd, ZERO_RANGE, start, length)
        size = max(len(data), start + length)
        say('zeroed', (content(fd) == zeroed(start, start + length, size), os.fstat(fd).st_size))
        os.fsync(fd)
        say('after fsync', content(fd) == zeroed(start, start + length, size))
    fd = fresh('small', b'0123456789')
    call('punch a small file', fallocate, fd, PUNCH_HOLE | KEEP_SIZE, 2, 3)
    os.fsync(fd)
    say('punched', content(fd))
    call('write into the hole', os.pwrite, fd, b'ab', 3)
    say('written', content(fd))
    fd = fresh()
    call('collapse beyond the end', fallocate, fd, COLLAPSE_RANGE, 0, 1 << 30)
    call('punch without keep size', fallocate, fd, PUNCH_HOLE, 0, 4096)
    call('of length zero', fallocate, fd, 0, 0, 0)
    call('of a negative offset', fallocate, fd, 0, -1, 10)
    call('that overflows', fallocate, fd, 0, (1 << 63) - 10, 100)
    call('read only', lambda: on_fd('f', lambda r: fallocate(r, 0, 0, 10), os.O_RDONLY))
    call('of a directory', lambda: on_fd('.', lambda r: fallocate(r, 0, 0, 10), os.O_RDONLY))
    os.mkfifo('p')
    call('of a fifo', lambda: on_fd('p', lambda r: fallocate(r, 0, 0, 10), os.O_RDWR))
    call('posix_fallocate', os.posix_fallocate, fd, 0, 300_000)
    say('size', os.fstat(fd).st_size)
    call('more than there is', fallocate, fd, 0, 0, 1 << 43)
    os.ftruncate(fd, 0)
    fd = fresh('mapped')
    shared = mmap.mmap(fd, len(data))
    shared[10:20] = b'M' * 10
    call('punch below a mapping', fallocate, fd, PUNCH_HOLE | KEEP_SIZE, 15, 8192)
    say('the mapping shows it', (bytes(shared[8:24]), shared[8207:8210] == data[8207:8210]))
    shared[16:18] = b'NN'
    say('written again', os.pread(fd, 12, 10))


@scenario
def collapse_and_insert():
    write_file('f', pattern(40960))
    fd = os.open('f', os.O_RDWR)
    call('collapse', fallocate, fd, COLLAPSE_RANGE, 4096, 8192)
    call('insert', fallocate, fd, INSERT_RANGE, 4096, 8192)
    call('unshare', fallocate, fd, UNSHARE_RANGE, 0, 4096)


@scenario
def holes():
    block = 65536
    fd = os.open('f', os.O_RDWR | os.O_CREAT)
    call('data of an empty file', os.lseek, fd, 0, os.SEEK_DATA)
    call('hole of an empty file', os.lseek, fd, 0, os.SEEK_HOLE)
    os.ftruncate(fd, 20 * block)
    call('data of nothing but a hole', os.lseek, fd, 0, os.SEEK_DATA)
    call('hole of nothing but a hole', os.lseek, fd, 0, os.SEEK_HOLE)
    for at in (2, 3, 7):
        os.pwrite(fd, pattern(block, at), at * block)

    def walk():
        found = []
        at = 0
        while True:
            start = answer(os.lseek, fd, at, os.SEEK_DATA)
            if isinstance(start, str):
                return found, start
            at = os.lseek(fd, start, os.SEEK_HOLE)
            found.append((start, at))

    say('not flushed yet', walk())
    os.fsync(fd)
    say('after fsync', walk())
    time.sleep(0.1)
    os.pwrite(fd, pattern(block), 12 * block)
    say('one more, not flushed', walk())
    os.fsync(fd)
    say('data in the middle', os.lseek(fd, 2 * block + 5, os.SEEK_DATA) - 2 * block)
    say('hole in the middle', os.lseek(fd, 2 * block + 5, os.SEEK_HOLE) // block)
    say('data from a hole', os.lseek(fd, 4 * block + 5, os.SEEK_DATA) // block)
    say('hole from a hole', os.lseek(fd, 4 * block + 5, os.SEEK_HOLE) - 4 * block)
    call('data at the end', os.lseek, fd, 20 * block, os.SEEK_DATA)
    call('hole at the end', os.lseek, fd, 20 * block, os.SEEK_HOLE)
    call('hole of the last byte', os.lseek, fd, 20 * block - 1, os.SEEK_HOLE)
    call('data beyond', os.lseek, fd, 30 * block, os.SEEK_DATA)
    call('data at a negative offset', os.lseek, fd, -1, os.SEEK_DATA)
    call('an unknown whence', os.lseek, fd, 0, 9)
    call('end', os.lseek, fd, 0, os.SEEK_END)
    call('before the start', os.lseek, fd, -1, os.SEEK_SET)
    fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 2 * block, block)
    say('after punching', walk())
    os.ftruncate(fd, 5 * block)
    say('after truncating', walk())
    os.fsync(fd)
    say('after fsync', walk())
    mapped = mmap.mmap(fd, 5 * block)
    mapped[4 * block] = 7
    say('data of a mapping', os.lseek(fd, 4 * block, os.SEEK_DATA) // block)
    mapped.close()
    position = os.lseek(fd, 3, os.SEEK_SET)
    answer(os.lseek, fd, 100 * block, os.SEEK_DATA)
    say('a refused seek leaves the position', os.lseek(fd, 0, os.SEEK_CUR))
    sparse = os.open('sparse', os.O_RDWR | os.O_CREAT)
    os.pwrite(sparse, b'end', 10 << 30)
    os.close(sparse)
    say('a sparse copy', os.system('cp --sparse=always sparse copy') == 0 and os.stat('copy').st_size)
    say('takes little', os.stat('copy').st_blocks * 512 < 1 << 20)
    say('is the same', on_fd('copy', lambda r: os.pread(r, 5, 10 << 30)))
    say('by its holes', os.system('cp --sparse=auto sparse copy2') == 0 and os.stat('copy2').st_blocks * 512 < 1 << 20)


@scenario
def unnamed_files():
    os.mkdir('d')
    before = os.stat('d').st_mtime_ns
    fd = call('O_TMPFILE', lambda: os.open('d', O_TMPFILE | os.O_RDWR, 0o640) and 'opened')
    fd = answer(os.open, 'd', O_TMPFILE | os.O_RDWR, 0o640)
    if isinstance(fd, str):
        return
    say('links', os.fstat(fd).st_nlink)
    say('mode', oct(os.fstat(fd).st_mode))
    os.write(fd, b'unnamed')
    say('not listed', os.listdir('d'))
    say('the directory did not change', os.stat('d').st_mtime_ns == before)
    call('linkat', linkat, fd, 'd/named')
    say('linked', (show('d/named'), read_file('d/named')))
    os.write(fd, b' more')
    say('written after', read_file('d/named'))
    call('linkat again', linkat, fd, 'second')
    say('linked', show('second'))
    call('linkat over a name', linkat, fd, 'second')
    os.unlink('second')
    os.unlink('d/named')
    call('linkat after unlink', linkat, fd, 'third')
    os.close(fd)
    fd = os.open('d', O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
    call('linkat with O_EXCL', linkat, fd, 'excl')
    os.close(fd)
    call('read only', os.open, 'd', O_TMPFILE | os.O_RDONLY)
    call('in a file', lambda: (write_file('f'), os.open('f', O_TMPFILE | os.O_RDWR)))
    os.chown('d', 1000, 2000)
    os.chmod('d', 0o2777)
    fd = os.open('d', O_TMPFILE | os.O_RDWR, 0o600)
    say('inherits the group', os.fstat(fd).st_gid)
    linkat(fd, 'inherited')
    say('inherited', show('inherited'))
    os.close(fd)
    os.chmod('d', 0o700)
    say('without permission', as_user(1001, 1001, os.open, 'd', O_TMPFILE | os.O_RDWR))
    fd = os.open('d', O_TMPFILE | os.O_RDWR, 0o600)
    os.setxattr(fd, 'user.a', b'1')
    linkat(fd, 'attributed')
    say('with an attribute', os.getxattr('attributed', 'user.a'))


@scenario
def copying():
    data = pattern(300_000)
    write_file('f', data)
    source = os.open('f', os.O_RDWR)
    target = os.open('g', os.O_RDWR | os.O_CREAT)

    def copy(length, source_offset=None, target_offset=None, flags=0):
        return os.copy_file_range(source, target, length, source_offset, target_offset)

    def copy_all(length, source_offset, target_offset):
        done = 0
        while done < length:
            part = copy(length - done, source_offset + done, target_offset + done)
            if part == 0:
                break
            done += part
        return done

    call('whole', copy_all, 300_000, 0, 0)
    say('same', read_file('g') == data)
    call('a part', copy_all, 1000, 77, 500_000)
    say('same', on_fd('g', lambda fd: os.pread(fd, 1000, 500_000)) == data[77:1077])
    call('at the end', copy, 10, 300_000, 0)
    call('across the end', copy_all, 100, 299_950, 0)
    call('from a read-only target', lambda: on_fd('g', lambda fd: os.copy_file_range(source, fd, 10, 0, 0), os.O_RDONLY))
    call('to an appender', lambda: on_fd('g', lambda fd: os.copy_file_range(source, fd, 10, 0, 0), os.O_WRONLY | os.O_APPEND))
    call('overlapping', lambda: os.copy_file_range(source, source, 100, 0, 50))
    call('within one file', lambda: os.copy_file_range(source, source, 100, 0, 400_000))
    call('a directory', lambda: on_fd('.', lambda fd: os.copy_file_range(fd, target, 10), os.O_RDONLY))
    os.pwrite(source, b'not flushed', 10)
    call('what is not flushed yet', copy_all, 100, 0, 0)
    say('same', os.pread(target, 30, 0))
    call('FICLONE', lambda: fcntl.ioctl(target, 0x40049409, source))
    say('cp --reflink=auto', os.system('cp --reflink=auto f h') == 0 and read_file('h') == read_file('f'))
    call('sendfile', os.sendfile, target, source, 0, 5000)


@scenario
def attributes():
    write_file('f')
    os.mkdir('d')
    os.symlink('f', 's')
    os.mkfifo('p')
    for name in ('user.a', 'trusted.a', 'security.a', 'user.' + 'n' * 250):
        call('set ' + name[:12], os.setxattr, 'f', name, b'value')
        call('get ' + name[:12], os.getxattr, 'f', name)
    say('list', sorted(n for n in os.listxattr('f') if n != 'security.selinux'))
    call('a long name', os.setxattr, 'f', 'user.' + 'n' * 251, b'')
    call('no namespace', os.setxattr, 'f', 'plain', b'')
    call('an unknown namespace', os.setxattr, 'f', 'other.x', b'')
    call('only a namespace', os.setxattr, 'f', 'user.', b'')
    call('an empty value', os.setxattr, 'f', 'user.empty', b'')
    call('its value', os.getxattr, 'f', 'user.empty')
    call('create', os.setxattr, 'f', 'user.a', b'', os.XATTR_CREATE)
    call('replace', os.setxattr, 'f', 'user.none', b'', os.XATTR_REPLACE)
    call('both', os.setxattr, 'f', 'user.none', b'', 3)
    call('an unknown flag', os.setxattr, 'f', 'user.none', b'', 4)
    call('missing', os.getxattr, 'f', 'user.none')
    call('remove missing', os.removexattr, 'f', 'user.none')
    call('remove', os.removexattr, 'f', 'user.a')
    call('user on a symlink', os.setxattr, 's', 'user.a', b'', 0, follow_symlinks=False)
    call('trusted on a symlink', os.setxattr, 's', 'trusted.a', b'1', 0, follow_symlinks=False)
    call('user on a fifo', os.setxattr, 'p', 'user.a', b'')
    call('user on a directory', os.setxattr, 'd', 'user.a', b'')
    call('get user of a fifo', os.getxattr, 'p', 'user.a')
    os.setxattr('f', 'user.b', b'12345678')
    buffer = ctypes.create_string_buffer(100)
    call('into too little room', native, 'getxattr', b'f', b'user.b', buffer, ctypes.c_size_t(4))
    call('the size alone', native, 'getxattr', b'f', b'user.b', None, ctypes.c_size_t(0))
    call('a list into too little room', native, 'listxattr', b'f', buffer, ctypes.c_size_t(4))
    os.mkdir('sticky')
    os.chmod('sticky', 0o1777)
    say('user on a sticky directory of another', as_user(1000, 1000, os.setxattr, 'sticky', 'user.a', b'1'))
    os.chmod('f', 0o644)
    say('user without write permission', as_user(1000, 1000, os.setxattr, 'f', 'user.x', b'1'))
    say('read by another', as_user(1000, 1000, os.getxattr, 'f', 'user.b'))
    say('trusted is hidden', as_user(1000, 1000, lambda: [n for n in os.listxattr('f') if n.startswith('trusted')]))
    say('trusted is refused', as_user(1000, 1000, os.getxattr, 'f', 'trusted.a'))


@scenario
def large_attributes():
    write_file('f')
    call('64 KiB', os.setxattr, 'f', 'user.large', bytes(65536))
    call('its length', lambda: len(os.getxattr('f', 'user.large')))
    call('one more byte', os.setxattr, 'f', 'user.larger', bytes(65537))


ACL_VERSION = struct.pack('<I', 2)


def acl(*entries):
    """Entries are (tag, permissions, id); tags: user object 1, user 2, group object 4, group 8, mask 16, other 32."""
    return ACL_VERSION + b''.join(struct.pack('<HHI', tag, permissions, identity & 0xffffffff) for tag, permissions, identity in entries)


def acl_text(path, kind='access'):
    value = os.getxattr(path, 'system.posix_acl_' + kind)
    entries = [struct.unpack_from('<HHi', value, 4 + i * 8) for i in range((len(value) - 4) // 8)]
    return ' '.join('%d:%d:%d' % entry for entry in entries)


ACCESS = 'system.posix_acl_access'
DEFAULT = 'system.posix_acl_default'


@scenario
def access_control_lists():
    write_file('f', b'secret', 0o600)
    os.mkdir('d', 0o755)
    minimal = acl((1, 6, -1), (4, 4, -1), (32, 4, -1))
    extended = acl((1, 6, -1), (2, 4, 1000), (4, 0, -1), (16, 4, -1), (32, 0, -1))
    call('none', acl_text, 'f')
    say('before', as_user(1000, 1000, read_file, 'f'))
    call('set', os.setxattr, 'f', ACCESS, extended)
    call('get', acl_text, 'f')
    say('mode', show('f'))
    say('the named user reads', as_user(1000, 1000, read_file, 'f'))
    say('but does not write', as_user(1000, 1000, write_file, 'f', b''))
    say('another does not read', as_user(1001, 1001, read_file, 'f'))
    say('listed', os.listxattr('f'))
    os.chmod('f', 0o670)
    say('chmod sets the mask', (show('f'), acl_text('f')))
    os.chmod('f', 0o600)
    say('chmod takes the mask away', (show('f'), acl_text('f')))
    say('the named user does not read', as_user(1000, 1000, read_file, 'f'))
    call('a minimal list', os.setxattr, 'f', ACCESS, minimal)
    say('is the mode', (show('f'), answer(acl_text, 'f')))
    call('remove what is not there', os.removexattr, 'f', ACCESS)
    os.setxattr('f', ACCESS, extended)
    call('remove', os.removexattr, 'f', ACCESS)
    say('mode after', (show('f'), answer(acl_text, 'f')))
    call('a default list of a file', os.setxattr, 'f', DEFAULT, extended)
    call('no entries', os.setxattr, 'f', ACCESS, ACL_VERSION)
    call('cut off', os.setxattr, 'f', ACCESS, extended[:-3])
    call('without a mask', os.setxattr, 'f', ACCESS, acl((1, 6, -1), (2, 4, 1000), (4, 0, -1), (32, 0, -1)))
    call('an unknown tag', os.setxattr, 'f', ACCESS, acl((1, 6, -1), (4, 0, -1), (32, 0, -1), (64, 0, -1)))
    call('another version', os.setxattr, 'f', ACCESS, struct.pack('<I', 3) + extended[4:])
    call('by another user', lambda: as_user(1000, 1000, os.setxattr, 'f', ACCESS, minimal))
    call('set-group-id and a list', lambda: (os.chmod('f', 0o2755), os.setxattr('f', ACCESS, extended), show('f'))[2])
    default = acl((1, 7, -1), (2, 7, 1000), (4, 5, -1), (16, 7, -1), (32, 0, -1))
    call('a default list', os.setxattr, 'd', DEFAULT, default)
    say('does not change the mode', show('d'))
    old = os.umask(0o022)
    create('d/file', 0o666)
    os.mkdir('d/dir', 0o777)
    os.symlink('x', 'd/link')
    os.mkfifo('d/fifo', 0o666)
    os.umask(old)
    say('inherited by a file', (show('d/file'), answer(acl_text, 'd/file'), answer(acl_text, 'd/file', 'default')))
    say('inherited by a directory', (show('d/dir'), answer(acl_text, 'd/dir'), answer(acl_text, 'd/dir', 'default')))
    say('by a fifo', (show('d/fifo'), answer(acl_text, 'd/fifo')))
    say('not by a symlink', show('d/link'))
    create('d/narrow', 0o640)
    say('the mode narrows it', (show('d/narrow'), answer(acl_text, 'd/narrow')))
    say('the named user makes files', as_user(1000, 1000, create, 'd/dir/made'))
    say('another does not', as_user(1001, 1001, create, 'd/dir/other'))
    fd = answer(os.open, 'd', O_TMPFILE | os.O_RDWR, 0o666)
    if not isinstance(fd, str):
        linkat(fd, 'd/unnamed')
        say('inherited by an unnamed file', (show('d/unnamed'), answer(acl_text, 'd/unnamed')))
    os.setxattr('d', DEFAULT, acl((1, 7, -1), (4, 5, -1), (32, 0, -1)))
    create('d/plain', 0o666)
    say('a minimal default list', (show('d/plain'), answer(acl_text, 'd/plain')))
    call('removed', os.removexattr, 'd', DEFAULT)
    os.umask(0o077)
    create('d/masked', 0o666)
    os.mkdir('d/maskeddir')
    os.mkfifo('d/maskedfifo')
    os.umask(old)
    say('umask without a default list', [show(n) for n in ('d/masked', 'd/maskeddir', 'd/maskedfifo')])


@scenario
def appending():
    one = os.open('f', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    two = os.open('f', os.O_WRONLY | os.O_APPEND)
    for i in range(50):
        os.write(one, b'1')
        os.write(two, b'2')
    say('two openers', read_file('f') == b'12' * 50)
    call('pwrite appends', os.pwrite, one, b'x', 0)
    say('content', read_file('f')[-3:])

    def append(mark):
        fd = os.open('g', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(200):
            os.write(fd, mark * 100)
        os.close(fd)
        os._exit(0)

    children = []
    for mark in (b'a', b'b', b'c', b'd'):
        child = os.fork()
        if child == 0:
            append(mark)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    found = read_file('g')
    records = [found[i:i + 100] for i in range(0, len(found), 100)]
    say('four processes', (len(found), all(r == r[:1] * 100 for r in records), sorted((chr(m), found.count(m)) for m in set(found))))


@scenario
def direct_and_synchronous():
    data = pattern(1 << 18)
    buffer = mmap.mmap(-1, 1 << 18)
    buffer[:] = data
    fd = answer(os.open, 'f', os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    say('O_DIRECT', isinstance(fd, int))
    say('written', os.pwritev(fd, [buffer], 0))
    say('read by others', read_file('f') == data)
    back = mmap.mmap(-1, 1 << 18)
    say('read', os.preadv(fd, [back], 0))
    say('same', back[:] == data)
    write_file_at('f', b'buffered', 100)
    os.preadv(fd, [back], 0)
    say('sees what is buffered', back[98:110])
    back[0:4096] = b'D' * 4096
    os.pwritev(fd, [memoryview(back)[0:4096]], 8192)
    say('buffered sees it', on_fd('f', lambda r: os.pread(r, 4, 8192)))
    say('beyond the end', os.preadv(fd, [back], 1 << 20))
    os.close(fd)
    for name, flag in (('O_SYNC', os.O_SYNC), ('O_DSYNC', os.O_DSYNC)):
        fd = os.open('s', os.O_RDWR | os.O_CREAT | flag)
        say(name, (os.pwrite(fd, b'synchronous', 5), os.pread(fd, 100, 0)))
        os.close(fd)
    fd = os.open('s', os.O_RDWR)
    say('RWF_DSYNC', os.pwritev(fd, [b'again'], 0, os.RWF_DSYNC))
    say('RWF_APPEND', (os.pwritev(fd, [b'end'], 0, os.RWF_APPEND), os.pread(fd, 100, 0)))
    call('fsync', os.fsync, fd)
    call('fdatasync', os.fdatasync, fd)
    call('fsync of a directory', lambda: on_fd('.', os.fsync, os.O_RDONLY))
    call('syncfs', native, 'syncfs', fd)
    call('sync_file_range', native, 'sync_file_range', fd, *longs(0, 0), 7)
    os.unlink('s')
    call('fsync of an unlinked file', os.fsync, fd)


@scenario
def mapping():
    fd = os.open('f', os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 3 * 4096 + 100)
    shared = mmap.mmap(fd, 3 * 4096 + 100)
    other = mmap.mmap(fd, 3 * 4096 + 100)
    private = mmap.mmap(fd, 3 * 4096 + 100, mmap.MAP_PRIVATE)
    shared[0:5] = b'hello'
    say('another mapping', other[0:5])
    say('read', os.pread(fd, 5, 0))
    private[5:7] = b'!!'
    say('private', (private[0:7], shared[0:7]))
    os.pwrite(fd, b'written', 4096)
    say('write shows', shared[4096:4103])
    shared[3 * 4096:3 * 4096 + 3] = b'end'
    call('msync', shared.flush)
    say('read', os.pread(fd, 5, 3 * 4096))
    os.close(fd)
    shared[10:13] = b'abc'
    shared.close()
    other.close()
    say('after close', read_file('f')[0:13])
    fd = os.open('f', os.O_RDWR)
    shared = mmap.mmap(fd, 3 * 4096 + 100)
    os.unlink('f')
    shared[0:3] = b'xyz'
    say('unlinked', os.pread(fd, 5, 0))
    os.ftruncate(fd, 2)
    os.ftruncate(fd, 4096)
    say('cut and grown', os.pread(fd, 6, 0))
    tail = os.open('t', os.O_RDWR | os.O_CREAT)
    os.write(tail, b'x' * 10)
    page = mmap.mmap(tail, 10)
    libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc.memset(address + 10, 65, 100)
    os.ftruncate(tail, 50)
    say('what was written behind the end is not shown', os.pread(tail, 50, 0) == b'x' * 10 + bytes(40))
    executable = os.open('e', os.O_WRONLY | os.O_CREAT, 0o755)
    os.write(executable, read_file('/bin/true'))
    os.close(executable)
    say('executed', os.system('./e'))
    running = os.fork()
    if running == 0:
        os.execv('/bin/sleep', ['sleep', '60'])
    os.kill(running, 9)
    os.waitpid(running, 0)


@scenario
def locks():
    write_file('f', b'0123456789')
    one = os.open('f', os.O_RDWR)
    two = os.open('f', os.O_RDWR)

    def lock_in_child(kind, start, length):
        def attempt():
            fd = os.open('f', os.O_RDWR)
            fcntl.lockf(fd, kind | fcntl.LOCK_NB, length, start)
            return 'locked'
        return as_user(0, 0, attempt)

    fcntl.lockf(one, fcntl.LOCK_EX, 5, 0)
    say('posix lock of another process', lock_in_child(fcntl.LOCK_EX, 0, 1))
    say('a free range', lock_in_child(fcntl.LOCK_EX, 5, 1))
    fcntl.lockf(one, fcntl.LOCK_SH, 5, 0)
    say('shared', (lock_in_child(fcntl.LOCK_SH, 0, 1), lock_in_child(fcntl.LOCK_EX, 0, 1)))
    os.close(os.open('f', os.O_RDONLY))
    say('closing any descriptor drops it', lock_in_child(fcntl.LOCK_EX, 0, 1))
    fcntl.flock(one, fcntl.LOCK_EX)
    call('flock', fcntl.flock, two, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(one, fcntl.LOCK_UN)
    call('unlocked', fcntl.flock, two, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ofd = struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 5, 0)
    call('open file description lock', lambda: fcntl.fcntl(one, 37, ofd) and 'locked')
    call('of another description', lambda: fcntl.fcntl(two, 37, ofd) and 'locked')
    call('a range that overflows', lambda: fcntl.lockf(one, fcntl.LOCK_EX | fcntl.LOCK_NB, (1 << 63) - 1, 5))
    lease = answer(fcntl.fcntl, os.open('f', os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
    say('a lease with writers', lease)


@scenario
def listing():
    for i in range(3000):
        write_file('f%04d' % i)
    libc.opendir.restype = ctypes.c_void_p
    libc.readdir.restype = ctypes.c_void_p
    libc.readdir.argtypes = [ctypes.c_void_p]
    libc.telldir.restype = ctypes.c_long
    libc.telldir.argtypes = [ctypes.c_void_p]
    libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
    libc.rewinddir.argtypes = [ctypes.c_void_p]
    directory = libc.opendir(b'.')

    def next_name():
        entry = libc.readdir(directory)
        return ctypes.string_at(entry + 19).decode() if entry else None

    seen = []
    positions = {}
    while True:
        position = libc.telldir(directory)
        name = next_name()
        if name is None:
            break
        positions[name] = position
        seen.append(name)
    say('all once', (len(seen), len(set(seen))))
    wrong = 0
    for name in seen[::97]:
        libc.seekdir(directory, positions[name])
        wrong += next_name() != name
    say('seekdir comes back', wrong)
    middle = seen[1500]
    libc.seekdir(directory, positions[middle])
    rest = seen[1500:]
    for i, name in enumerate(seen):
        if name not in ('.', '..') and i % 3 == 0 and name != middle:
            os.unlink(name)
    for i in range(500):
        write_file('new%04d' % i)
    again = []
    while True:
        name = next_name()
        if name is None:
            break
        again.append(name)
    kept = [n for n in rest if os.path.exists(n)]
    listed = set(again)
    say('what stays is listed once', (len(again) == len(listed), all(n in listed for n in kept)))
    libc.rewinddir(directory)
    count = 0
    while next_name() is not None:
        count += 1
    say('after rewind', count == len(os.listdir('.')) + 2)
    reading = libc.opendir(b'.')
    libc.closedir.argtypes = [ctypes.c_void_p]
    removed = 0
    directory = reading
    while True:
        name = next_name()
        if name is None:
            break
        if name not in ('.', '..'):
            os.unlink(name)
            removed += 1
    say('remove while reading', os.listdir('.'))
    os.mkdir('sub')
    write_file('sub/f')
    os.symlink('x', 'sub/s')
    say('types', sorted((e.name, e.is_dir(follow_symlinks=False), e.is_symlink()) for e in os.scandir('sub')))


@scenario
def sizes():
    fd = os.open('f', os.O_RDWR | os.O_CREAT)
    largest = (1 << 43) - 4096
    call('truncate to 8 TiB', os.ftruncate, fd, largest)
    call('write there', os.pwrite, fd, b'end', largest - 3)
    call('read there', os.pread, fd, 10, largest - 3)
    say('size', os.fstat(fd).st_size == largest)
    say('blocks', os.fstat(fd).st_blocks * 512 < 1 << 20)
    call('a negative offset', os.pread, fd, 1, -1)
    call('a negative write', os.pwrite, fd, b'x', -1)
    call('beyond all offsets', os.pwrite, fd, b'xx', (1 << 63) - 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    small = os.open('g', os.O_RDWR | os.O_CREAT)
    call('beyond the limit of the process', os.pwrite, small, b'x', 1 << 20)
    call('across it', os.pwrite, small, b'x' * 100, (1 << 20) - 10)
    call('truncate beyond it', os.ftruncate, small, (1 << 20) + 1)
    call('allocate beyond it', fallocate, small, 0, 0, (1 << 20) + 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@scenario
def open_flags():
    write_file('f', b'content')
    fd = os.open('f', os.O_RDONLY)
    call('write to a read-only descriptor', os.write, fd, b'x')
    call('truncate of a read-only descriptor', os.ftruncate, fd, 0)
    fd = os.open('f', os.O_WRONLY)
    call('read of a write-only descriptor', os.read, fd, 1)
    fd = os.open('f', os.O_PATH)
    call('read of O_PATH', os.read, fd, 1)
    say('fstat of O_PATH', os.fstat(fd).st_size)
    call('O_TRUNC', lambda: on_fd('f', lambda r: os.fstat(r).st_size, os.O_WRONLY | os.O_TRUNC))
    call('mode 0 may be written by who made it', lambda: os.write(os.open('m', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0), b'x'))
    say('and is', show('m'))
    call('O_NOATIME of another', lambda: as_user(1000, 1000, os.open, 'f', os.O_RDONLY | os.O_NOATIME))
    fd = os.open('f', os.O_RDWR)
    os.unlink('f')
    say('unlinked', (os.fstat(fd).st_nlink, os.write(fd, b'still'), os.pread(fd, 10, 0)))
    call('opened again by its descriptor', lambda: os.read(os.open('/proc/self/fd/%d' % fd, os.O_RDONLY), 10))
    call('fchmod of it', os.fchmod, fd, 0o600)
    call('ftruncate of it', os.ftruncate, fd, 2)
    say('pathconf', (os.pathconf('.', 'PC_NAME_MAX'), os.pathconf('.', 'PC_PATH_MAX')))
    libc.name_to_handle_at.restype = ctypes.c_int


@scenario
def senseless_offsets():
    top = (1 << 63) - 1
    write_file('f', b'0123456789')
    fd = os.open('f', os.O_RDWR)
    direct = os.open('f', os.O_RDWR | os.O_DIRECT)
    page = mmap.mmap(-1, 4096)
    for offset in (-1, -4096, -(1 << 63), top, top - 1):
        call('pread at %d' % offset, lambda: native('pread', fd, page_address(page), *longs(10, offset)))
        call('pwrite at %d' % offset, lambda: native('pwrite', fd, b'0123456789', *longs(10, offset)))
        call('direct pwrite at %d' % offset, lambda: native('pwrite', direct, page_address(page), *longs(4096, offset)))
        call('SEEK_DATA from %d' % offset, os.lseek, fd, offset, os.SEEK_DATA)
        call('SEEK_HOLE from %d' % offset, os.lseek, fd, offset, os.SEEK_HOLE)
        if offset < 0:
            call('lseek to %d' % offset, os.lseek, fd, offset, os.SEEK_SET)
    for size in (-1, -(1 << 63)):
        call('ftruncate to %d' % size, lambda: native('ftruncate', fd, *longs(size)))
        call('truncate to %d' % size, lambda: native('truncate', b'f', *longs(size)))
    for offset, length in ((-1, 1), (0, 0), (0, -1), (1, -1), (top, 1), (top, top), (1, top), (-(1 << 63), 1), (0, -(1 << 63))):
        for mode in (0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE):
            call('fallocate %d at %d length %d' % (mode, offset, length), fallocate, fd, mode, offset, length)
    for mode in (PUNCH_HOLE, PUNCH_HOLE | ZERO_RANGE | KEEP_SIZE, 4, 128, 1 << 30, -1, COLLAPSE_RANGE | PUNCH_HOLE,
                 COLLAPSE_RANGE | KEEP_SIZE):
        call('fallocate in mode %d' % mode, fallocate, fd, mode, 0, 4096)
    call('lseek with another whence', lambda: native('lseek', fd, *longs(0, 9)))
    os.lseek(fd, 5, os.SEEK_SET)
    call('lseek before the start', os.lseek, fd, -6, os.SEEK_CUR)
    call('lseek beyond the largest offset', os.lseek, fd, top, os.SEEK_CUR)
    call('it stays where it was', os.lseek, fd, 0, os.SEEK_CUR)
    for flags in (1, -1, 1 << 31):
        call('copy_file_range with flags %d' % flags, lambda: native(
            'copy_file_range', fd, None, fd, None, *longs(1), ctypes.c_uint(flags & 0xffffffff)))
    for source, target in ((-1, 0), (0, -1), (top, 0), (0, top), (0, 5)):
        call('copy_file_range from %d to %d' % (source, target), os.copy_file_range, fd, fd, 10, source, target)
    call('copy_file_range of everything', lambda: native(
        'copy_file_range', fd, ctypes.byref(ctypes.c_long(0)), fd, ctypes.byref(ctypes.c_long(100)), *longs(-1), 0))
    say('content', (os.fstat(fd).st_size, os.pread(fd, 200, 0)))
    for length, flags in ((0, mmap.MAP_SHARED), (4096, 0), (4096, mmap.MAP_SHARED | mmap.MAP_PRIVATE)):
        call('mmap of %d with flags %d' % (length, flags), lambda: mmap_errno(length, flags, fd, 0))
    call('mmap from an odd offset', lambda: mmap_errno(4096, mmap.MAP_SHARED, fd, 100))
    call('mmap for writing of what is open for reading', lambda: mmap_errno(
        4096, mmap.MAP_SHARED, os.open('f', os.O_RDONLY), 0))
    call('read into nowhere', lambda: native('pread', fd, ctypes.c_void_p(8), *longs(5, 0)))
    call('write from nowhere', lambda: native('pwrite', fd, ctypes.c_void_p(8), *longs(5, 0)))
    call('getdents of a file', lambda: native('syscall', *longs(217, fd), page_address(page), *longs(4096)))
    call('getdents into 5 bytes', lambda: native(
        'syscall', *longs(217, os.open('.', os.O_RDONLY)), page_address(page), *longs(5)))
    directory = os.open('.', os.O_RDONLY)
    for offset in (-1, top, 1 << 40):
        call('lseek of a directory to %d' % offset, lambda: min(os.lseek(directory, offset, os.SEEK_SET), 0))
    call('fallocate of a directory', fallocate, directory, 0, 0, 4096)
    call('ftruncate of a directory', os.ftruncate, directory, 0)
    call('read of a directory', os.read, directory, 10)
    for name in ('', 'a/', 'f/', 'f/.', './f/..', '/' * 5000, 'nowhere/..'):
        call('open of %r' % name[:20], lambda: os.close(os.open(name, os.O_RDONLY)))
        call('creation of %r' % name[:20], lambda: os.close(os.open(name, os.O_CREAT | os.O_WRONLY)))
        call('mkdir of %r' % name[:20], os.mkdir, name)
        call('rmdir of %r' % name[:20], os.rmdir, name)
        call('rename from %r' % name[:20], os.rename, name, 'other')
        call('rename to %r' % name[:20], os.rename, 'f', name)
    for flags in (3, 8, 1 << 31, -1):
        call('renameat2 with flags %d' % flags, renameat2, 'f', 'f2', flags)
    for name in (b'\xff\xfe', b'a\nb', b' ', b'\x01', 'ä'.encode(), b'...'):
        call('any bytes are a name: %r' % name, lambda: os.close(os.open(name, os.O_CREAT | os.O_WRONLY)))
    say('they are listed', sorted(os.listdir(b'.')))
    call('time out of range', utimensat, 'f', (0, 1000000000), (0, 0))
    call('negative nanoseconds', utimensat, 'f', (0, -1), (0, 0))
    call('mknod of a directory', os.mknod, 'm1', stat.S_IFDIR | 0o644)
    call('mknod of a link', os.mknod, 'm2', stat.S_IFLNK | 0o644)
    call('mknod of nothing', os.mknod, 'm3', 0o170000 | 0o644)
    call('mknod of a large device', os.mknod, 'm4', stat.S_IFCHR | 0o644, os.makedev(4095, 1048575))
    say('its number', os.stat('m4').st_rdev if os.path.exists('m4') else '-')
    call('chmod of everything', os.chmod, 'f', 0o37777777)
    say('its mode', show('f'))
    call('chown to 2^32 - 2', os.chown, 'f', (1 << 32) - 2, (1 << 32) - 2)
    say('its owner', show('f'))
    for flags in (os.O_WRONLY | os.O_RDWR, os.O_CREAT | os.O_DIRECTORY, os.O_TMPFILE | os.O_RDONLY, 1 << 30,
                  os.O_PATH | os.O_CREAT, os.O_RDONLY | os.O_TRUNC):
        call('open with flags %o' % flags, lambda: os.close(os.open('new' if flags & os.O_CREAT else '.', flags, 0o600)))
    call('fsync of a pipe', lambda: os.fsync(os.pipe()[0]))
    for command in (0, 1, 0x5401, 0x40086602):
        call('ioctl %x' % command, lambda: native('ioctl', fd, ctypes.c_ulong(command), None))
    call('rename that leaves a whiteout', renameat2, 'f', 'f2', 4)


def page_address(page):
    return ctypes.byref(ctypes.c_char.from_buffer(page))


def mmap_errno(length, flags, fd, offset):
    libc.mmap.restype = ctypes.c_void_p
    found = libc.mmap(None, *longs(length), mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, *longs(offset))
    if found == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), 'mmap')
    return 'mapped'


@scenario
def senseless_attributes():
    write_file('f')
    os.symlink('f', 's')
    os.mkfifo('p')
    for name in (b'', b'a', b'user', b'user.', b'.', b'user', b'User.a', b'other.a', b'trusted.', b'security.', b'system.',
                 b'system.a', b'system.posix_acl', b'btrfs.compression', b'user.' + b'x' * 250, b'user.' + b'x' * 251,
                 b'user.\xff\x01', b'user.a/b', b'user.a b', b'user.' + b'y' * 1000):
        call('set %r' % name[:30], os.setxattr, 'f', name, b'1')
        call('get %r' % name[:30], os.getxattr, 'f', name)
        call('remove %r' % name[:30], os.removexattr, 'f', name)
    for size in (1 << 16, (1 << 16) + 1, 1 << 20, 1 << 40, -1):
        buffer = bytes(min(max(size, 0), 1 << 20))
        if size > 1 << 16 or size < 0:
            call('a value of %d bytes' % size, lambda: native(
                'setxattr', b'f', b'user.v', buffer, ctypes.c_size_t(size), 0))
    call('no value', os.setxattr, 'f', 'user.empty', b'')
    say('is a value', answer(os.getxattr, 'f', 'user.empty'))
    for flags in (3, 4, -1):
        call('flags %d' % flags, os.setxattr, 'f', 'user.flags', b'', flags)
    call('user on a link', os.setxattr, 's', 'user.a', b'', follow_symlinks=False)
    call('user on a fifo', os.setxattr, 'p', 'user.a', b'')
    call('trusted on a link', os.setxattr, 's', 'trusted.a', b'1', follow_symlinks=False)
    os.setxattr('f', 'user.long', b'x' * 100)
    for size in (1, 99, 100, 101):
        call('get into %d bytes' % size, lambda: native(
            'getxattr', b'f', b'user.long', ctypes.create_string_buffer(size), ctypes.c_size_t(size)))
    call('list into one byte', lambda: native('listxattr', b'f', ctypes.create_string_buffer(1), ctypes.c_size_t(1)))
    say('listed', sorted(os.listxattr('f')))


@scenario
def senseless_access_control_lists():
    write_file('f')
    os.mkdir('d')
    USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
    NOBODY = 0xffffffff

    def acl(*entries, version=2):
        return struct.pack('<I', version) + b''.join(struct.pack('<HHI', *entry) for entry in entries)

    least = [(USER_OBJ, 6, NOBODY), (GROUP_OBJ, 4, NOBODY), (OTHER, 4, NOBODY)]
    named = [(USER_OBJ, 6, NOBODY), (USER, 7, 1000), (GROUP_OBJ, 4, NOBODY), (MASK, 7, NOBODY), (OTHER, 4, NOBODY)]
    lists = {
        'nothing': b'',
        'half a header': b'\2\0',
        'a header': acl(),
        'another version': acl(*least, version=3),
        'half an entry': acl(*least)[:-3],
        'no owner': acl(*least[1:]),
        'no group': acl(least[0], least[2]),
        'no others': acl(*least[:2]),
        'the owner twice': acl(least[0], *least),
        'out of order': acl(*reversed(least)),
        'a user without a mask': acl(named[0], named[1], named[2], named[4]),
        'a user twice': acl(named[0], named[1], *named[1:]),
        'users out of order': acl(named[0], (USER, 7, 2000), *named[1:]),
        'more rights than there are': acl((USER_OBJ, 8, NOBODY), *least[1:]),
        'all bits': acl((USER_OBJ, 0xffff, NOBODY), *least[1:]),
        'an unknown tag': acl(*least[:2], (64, 4, NOBODY), least[2]),
        'no tag': acl((0, 4, NOBODY), *least),
        'a user of -1': acl(named[0], (USER, 7, NOBODY), *named[2:]),
        'an owner with an id': acl((USER_OBJ, 6, 1000), *least[1:]),
        'a list that a mode can say': acl(*least),
        'a list with a name': acl(*named),
        'a mask without names': acl(least[0], least[1], (MASK, 4, NOBODY), least[2]),
        'a thousand users': acl(named[0], *[(USER, 4, 5000 + i) for i in range(300)], *named[2:]),
    }
    for name, value in lists.items():
        call(name, os.setxattr, 'f', 'system.posix_acl_access', value)
        say(name + ': is stored', answer(lambda: os.getxattr('f', 'system.posix_acl_access').hex()[:200]))
        say(name + ': mode', show('f'))
        call(name + ' as default of a file', os.setxattr, 'f', 'system.posix_acl_default', value)
        call(name + ' as default', os.setxattr, 'd', 'system.posix_acl_default', value)
        say(name + ': default is', answer(lambda: os.getxattr('d', 'system.posix_acl_default').hex()[:200]))
    create('d/x')
    say('inherited', show('d/x'))
    for name in ('system.posix_acl_access', 'system.posix_acl_default'):
        call('remove ' + name, os.removexattr, 'd', name)
        call('remove it again ' + name, os.removexattr, 'd', name)


@scenario
def senseless_locks():
    top = (1 << 63) - 1
    write_file('f', bytes(100))
    fd = os.open('f', os.O_RDWR)
    for open_file in (False, True):
        command = 37 if open_file else fcntl.F_SETLK
        for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK, fcntl.F_UNLCK, 7, -1):
            for whence, start, length in ((0, 0, 0), (0, -1, 1), (0, top, 1), (0, top, 2), (0, top, 0), (0, 1, top),
                                          (0, 2, top), (0, 5, -5), (0, 5, -6), (2, top, 1), (2, -101, 1), (3, 0, 1),
                                          (0, -(1 << 63), 0), (0, 0, -(1 << 63))):
                request = struct.pack('hhqqi4x', kind, whence, start, length, 0)
                call('%s %d from %d:%d for %d' % ('open file lock' if open_file else 'lock', kind, whence, start, length),
                     lambda: fcntl.fcntl(fd, command, request) and 'set')
    for operation in (0, fcntl.LOCK_EX | fcntl.LOCK_SH, 99):
        call('flock %d' % operation, fcntl.flock, fd, operation)
    readable = os.open('f', os.O_RDONLY)
    call('write lock of what is open for reading', lambda: fcntl.fcntl(
        readable, fcntl.F_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0)) and 'set')


def main():
    base = os.getcwd()
    for name in sys.argv[1:] or scenarios:
        current[0] = name
        os.umask(0o022)
        os.mkdir(name)
        os.chdir(name)
        try:
            scenarios[name]()
        except OSError as failure:
            say('ended by', name_of(failure.errno))
        os.chdir(base)
    for line in lines:
        print(line)


main()
