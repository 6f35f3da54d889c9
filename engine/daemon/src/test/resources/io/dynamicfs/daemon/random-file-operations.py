"""Random operations on a few files of the working directory, compared with their bytes in memory.

Three openers take turns, two in this process and one in another; each has a descriptor, one with O_APPEND, one with O_DIRECT
and a shared mapping of every file. One seed gives one sequence of operations.

  --kill PID --kill-at N --state FILE   ends that process with SIGKILL during operation N; what the files may hold is noted in
                                        FILE, and the script ends with 0 once an operation has failed
  --resume FILE                         what the files hold must be what FILE allows; goes on with that
"""

import argparse, ctypes, errno, faulthandler, mmap, os, pickle, random, signal, sys, threading, time

faulthandler.enable()
libc = ctypes.CDLL(None, use_errno=True)
PAGE = 4096
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
# As small as is stored beside the inode, as small as is copied whole, and of several extents.
LIMITS = [3000, 48 << 10, 400 << 10, 5 << 20]
HISTORY = 60
PROGRESS = 500
POLL_SECONDS = 0.0005


class Wrong(Exception):
    pass


def fallocate(fd, mode, offset, length):
    if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
        raise OSError(ctypes.get_errno(), 'fallocate')


class Opener:
    """Has every file open in its own way."""

    def __init__(self, names):
        self.names = names
        self.open = [{} for _ in names]
        self.direct_buffer = mmap.mmap(-1, max(LIMITS) + PAGE)

    FLAGS = {
        'plain': os.O_RDWR | os.O_CREAT,
        'append': os.O_WRONLY | os.O_APPEND | os.O_CREAT,
        'direct': os.O_RDWR | os.O_DIRECT | os.O_CREAT,
    }

    def descriptor(self, file, kind='plain'):
        found = self.open[file].get(kind)
        if found is None:
            found = self.open[file][kind] = os.open(self.names[file], self.FLAGS[kind], 0o600)
        return found

    def mapping(self, file, end):
        found = self.open[file].get('mapping')
        if found is None or len(found) < end:
            if found is not None:
                found.close()
            fd = self.descriptor(file)
            found = self.open[file]['mapping'] = mmap.mmap(fd, os.fstat(fd).st_size, mmap.MAP_SHARED)
        return found

    def write(self, file, offset, data):
        return os.pwrite(self.descriptor(file), data, offset)

    def write_vector(self, file, offset, data):
        third = len(data) // 3
        return os.pwritev(self.descriptor(file), [data[:third], data[third:]], offset)

    def write_durably(self, file, offset, data):
        return os.pwritev(self.descriptor(file), [data], offset, os.RWF_DSYNC)

    def append(self, file, data):
        return os.write(self.descriptor(file, 'append'), data)

    def read(self, file, offset, length):
        return os.pread(self.descriptor(file), length, offset)

    def write_directly(self, file, offset, data):
        self.direct_buffer[:len(data)] = data
        return os.pwritev(self.descriptor(file, 'direct'), [memoryview(self.direct_buffer)[:len(data)]], offset)

    def read_directly(self, file, offset, length):
        got = os.preadv(self.descriptor(file, 'direct'), [memoryview(self.direct_buffer)[:length]], offset)
        return self.direct_buffer[:got]

    def write_mapped(self, file, offset, data):
        self.mapping(file, offset + len(data))[offset:offset + len(data)] = data
        return len(data)

    def read_mapped(self, file, offset, length):
        return self.mapping(file, offset + length)[offset:offset + length]

    def sync_mapped(self, file, offset, length):
        start = offset // PAGE * PAGE
        self.mapping(file, offset + length).flush(start, offset + length - start)

    def truncate(self, file, size):
        os.ftruncate(self.descriptor(file), size)

    def allocate(self, file, mode, offset, length):
        fallocate(self.descriptor(file), mode, offset, length)

    def copy(self, source, target, length, source_offset, target_offset):
        return os.copy_file_range(
            self.descriptor(source), self.descriptor(target), length, source_offset, target_offset)

    def sync(self, file):
        os.fsync(self.descriptor(file))

    def sync_data(self, file):
        os.fdatasync(self.descriptor(file))

    def drop(self, file):
        """From the page cache, as far as it is clean and not mapped."""
        os.posix_fadvise(self.descriptor(file), 0, 0, os.POSIX_FADV_DONTNEED)

    def unmap(self, file):
        if 'mapping' in self.open[file]:
            self.open[file].pop('mapping').close()

    def close(self, file):
        held = self.open[file]
        self.open[file] = {}
        if 'mapping' in held:
            held.pop('mapping').close()
        for fd in held.values():
            os.close(fd)

    def empty(self, file):
        os.close(os.open(self.names[file], os.O_WRONLY | os.O_TRUNC))

    def seek(self, file, offset, whence):
        try:
            return os.lseek(self.descriptor(file), offset, whence)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
            raise

    def stat(self, file):
        found = os.fstat(self.descriptor(file))
        return found.st_size, found.st_blocks


class RemoteOpener:
    """The same in another process."""

    def __init__(self, names):
        their_input, requests = os.pipe()
        answers, their_output = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(requests)
            os.close(answers)
            self.serve(names, os.fdopen(their_input, 'rb'), os.fdopen(their_output, 'wb'))
            os._exit(0)
        os.close(their_input)
        os.close(their_output)
        self.requests = os.fdopen(requests, 'wb')
        self.answers = os.fdopen(answers, 'rb')

    @staticmethod
    def serve(names, requests, answers):
        opener = Opener(names)
        while True:
            try:
                name, arguments = pickle.load(requests)
            except EOFError:
                return
            try:
                answer = (None, getattr(opener, name)(*arguments))
            except OSError as error:
                answer = (error.errno, str(error))
            pickle.dump(answer, answers)
            answers.flush()

    def __getattr__(self, name):
        def ask(*arguments):
            pickle.dump((name, arguments), self.requests)
            self.requests.flush()
            number, value = pickle.load(self.answers)
            if number is not None:
                raise OSError(number, value)
            return value
        return ask


class Content:
    """What a file must hold; and, page by page, what it may hold after a crash because it changed since it was last sent."""

    def __init__(self, with_history):
        self.with_history = with_history
        self.data = bytearray()
        self.pages = {}
        self.sizes = {0}

    def page(self, number):
        return bytes(self.data[number * PAGE:(number + 1) * PAGE]).ljust(PAGE, b'\0')

    def change(self, offset, new):
        end = offset + len(new)
        self.remember(offset, end)
        if len(self.data) < offset:
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset:end] = new
        self.add_size()

    def resize(self, size):
        self.remember(min(size, len(self.data)), max(size, len(self.data)))
        if size > len(self.data):
            self.data.extend(bytes(size - len(self.data)))
        else:
            del self.data[size:]
        self.add_size()

    def add_size(self):
        self.sizes = {min(min(self.sizes), len(self.data)), max(max(self.sizes), len(self.data))}

    def remember(self, start, end):
        if not self.with_history:
            return
        for number in range(start // PAGE, -(-end // PAGE)):
            versions = self.pages.setdefault(number, [])
            before = self.page(number)
            if before not in versions:
                versions.append(before)

    def cut(self, size):
        """The server has cut its own version of a page that is cut in the middle."""
        number, rest = divmod(size, PAGE)
        for version in list(self.pages.get(number, [])):
            self.pages[number].append(version[:rest].ljust(PAGE, b'\0'))

    def clear(self, start, end):
        """The same for a range that became zeros."""
        for number in {start // PAGE, end // PAGE}:
            low, high = max(start - number * PAGE, 0), min(end - number * PAGE, PAGE)
            for version in list(self.pages.get(number, [])):
                if low < high:
                    self.pages[number].append(version[:low] + bytes(high - low) + version[high:])

    def sent(self, start=0, end=None):
        """The server has answered for these pages: they cannot be lost with its process."""
        if end is None:
            self.pages.clear()
            self.sizes = {len(self.data)}
        else:
            for number in range(-(-start // PAGE), end // PAGE):
                self.pages.pop(number, None)

    def accept(self, name, found):
        if not min(self.sizes) <= len(found) <= max(self.sizes):
            raise Wrong('%s: expected between %d and %d bytes, found %d'
                        % (name, min(self.sizes), max(self.sizes), len(found)))
        for number in range(-(-len(found) // PAGE)):
            page = found[number * PAGE:(number + 1) * PAGE]
            allowed = self.pages.get(number, []) + [self.page(number)]
            if not any(version[:len(page)] == page for version in allowed):
                raise Wrong('%s: page %d (from byte %d) holds none of the %d versions that it may hold: %s'
                            % (name, number, number * PAGE, len(allowed), difference(allowed[-1], page)))
        self.data = bytearray(found)
        self.pages = {}
        self.sizes = {len(found)}


def difference(expected, found):
    if len(expected) != len(found):
        return 'expected %d bytes, found %d' % (len(expected), len(found))
    places = [i for i in range(len(found)) if expected[i] != found[i]]
    return '%d bytes differ, from %d to %d: expected %s..., found %s...' % (
        len(places), places[0], places[-1], bytes(expected[places[0]:places[0] + 8]).hex(),
        bytes(found[places[0]:places[0] + 8]).hex())


class Run:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.names = ['file%d' % i for i in range(len(LIMITS))]
        self.openers = [RemoteOpener(self.names), Opener(self.names), Opener(self.names)]
        self.history = []
        self.index = 0
        self.dying = False
        if options.resume:
            with open(options.resume, 'rb') as state:
                self.contents = pickle.load(state)
            for name, content in zip(self.names, self.contents):
                content.with_history = options.kill is not None
                with open(name, 'rb') as file:
                    content.accept(name, file.read())
        else:
            self.contents = [Content(options.kill is not None) for _ in self.names]
            for name in self.names:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o600))
        self.operations = [operation for operation, weight in self.WEIGHTS for _ in range(weight)]
        self.unmapped = [operation for operation in self.operations if 'mapped' not in operation]

    WEIGHTS = [
        ('write', 40), ('write_vector', 10), ('append', 14), ('write_directly', 14), ('write_mapped', 24),
        ('write_durably', 1), ('read', 40), ('read_directly', 14), ('read_mapped', 20), ('sync_mapped', 2),
        ('cut', 8), ('grow', 5), ('allocate', 4), ('allocate_behind', 3), ('punch', 12), ('zero', 8), ('copy', 12),
        ('holes', 12), ('sync', 1), ('sync_data', 1), ('close', 6), ('drop', 6), ('unmap', 2), ('empty', 1),
        ('compare', 1),
    ]

    def run(self):
        for self.index in range(self.options.operations):
            if self.index % PROGRESS == 0:
                print('operation %d' % self.index, flush=True)
            if self.index == self.options.kill_at:
                self.kill()
            try:
                self.step()
            except OSError as error:
                if not self.dying:
                    raise Wrong('expected success, found %s' % error)
                return False
        if self.dying:
            raise Wrong('the process was killed and nothing has failed')
        for file in range(len(self.names)):
            for opener in self.openers:
                opener.close(file)
            self.openers[0].drop(file)
            self.compare(file, self.openers[0])
        return True

    def kill(self):
        """At once, or a moment later in the middle of an operation. Mappings are left alone then: to touch one would be fatal."""
        self.dying = True
        self.operations = self.unmapped
        delay = self.random.choice([0, self.random.uniform(0, 0.01)])

        def later():
            time.sleep(delay)
            os.kill(self.options.kill, signal.SIGKILL)
        if delay:
            threading.Thread(target=later, daemon=True).start()
        else:
            os.kill(self.options.kill, signal.SIGKILL)
            # The connection ends only with the last thread of the process.
            while os.path.exists('/proc/%d/task' % self.options.kill) and len(
                    os.listdir('/proc/%d/task' % self.options.kill)) > 1:
                time.sleep(POLL_SECONDS)

    def step(self):
        operation = self.random.choice(self.operations)
        file = self.random.choices(range(len(LIMITS)), (2, 3, 4, 3))[0]
        opener = self.random.choice(self.openers)
        self.note(operation, file, self.openers.index(opener))
        getattr(self, operation)(file, opener)
        if self.random.random() < 0.3:
            size = self.random.choice(self.openers).stat(file)[0]
            if size != len(self.contents[file].data):
                raise Wrong('%s: expected a size of %d, found %d'
                            % (self.names[file], len(self.contents[file].data), size))

    def note(self, *what):
        self.history.append((self.index,) + what)
        del self.history[:-HISTORY]

    def detail(self, *what):
        self.history[-1] += what

    # What an operation is about.

    def length(self, file):
        limit = min(LIMITS[file], 256 << 10)
        length = int(2 ** self.random.uniform(0, limit.bit_length()))
        return max(1, min(limit, self.aligned(length)))

    def aligned(self, number):
        return number // PAGE * PAGE if self.random.random() < 0.3 else number

    def place(self, file):
        """An offset and a length within the file's limit."""
        length = self.length(file)
        behind = self.random.random() < 0.2
        offset = self.random.randint(0, LIMITS[file] if behind else len(self.contents[file].data))
        offset = self.aligned(min(offset, LIMITS[file] - length))
        self.detail(offset, length)
        return offset, length

    def part(self, file):
        """An offset and a length within the file as it is."""
        size = len(self.contents[file].data)
        offset = self.aligned(self.random.randrange(size))
        length = min(self.length(file), size - offset)
        self.detail(offset, length)
        return offset, length

    def expect(self, file, offset, length, found):
        expected = self.contents[file].data[offset:offset + length]
        if found != expected:
            raise Wrong('%s: from byte %d: %s' % (self.names[file], offset, difference(expected, found)))

    def put(self, file, offset, data, write):
        self.contents[file].change(offset, data)
        written = write()
        if written != len(data):
            raise Wrong('expected %d bytes to be written, found %d' % (len(data), written))

    # The operations.

    def write(self, file, opener):
        offset, length = self.place(file)
        data = self.random.randbytes(length)
        self.put(file, offset, data, lambda: opener.write(file, offset, data))

    def write_vector(self, file, opener):
        offset, length = self.place(file)
        data = self.random.randbytes(length)
        self.put(file, offset, data, lambda: opener.write_vector(file, offset, data))

    def write_durably(self, file, opener):
        offset, length = self.place(file)
        data = self.random.randbytes(length)
        self.put(file, offset, data, lambda: opener.write_durably(file, offset, data))
        self.contents[file].sent(offset, offset + length)

    def append(self, file, opener):
        size = len(self.contents[file].data)
        length = min(self.length(file), LIMITS[file] - size)
        self.detail(length)
        if length > 0:
            data = self.random.randbytes(length)
            self.put(file, size, data, lambda: opener.append(file, data))

    def write_directly(self, file, opener):
        offset, length = self.place(file)
        if self.random.random() < 0.8 and length >= 512:
            offset, length = offset // 512 * 512, length // 512 * 512
        elif not self.options.unaligned:
            return
        data = self.random.randbytes(length)
        self.put(file, offset, data, lambda: opener.write_directly(file, offset, data))
        self.contents[file].sent(offset, offset + length)

    def write_mapped(self, file, opener):
        if self.contents[file].data:
            offset, length = self.part(file)
            data = self.random.randbytes(length)
            self.put(file, offset, data, lambda: opener.write_mapped(file, offset, data))

    def read(self, file, opener):
        offset, length = self.place(file)
        self.expect(file, offset, length, opener.read(file, offset, length))

    def read_directly(self, file, opener):
        offset, length = self.place(file)
        if not self.options.unaligned or self.random.random() < 0.8:
            offset, length = offset // 512 * 512, -(-length // 512) * 512
        self.expect(file, offset, length, opener.read_directly(file, offset, length))

    def read_mapped(self, file, opener):
        if self.contents[file].data:
            offset, length = self.part(file)
            self.expect(file, offset, length, opener.read_mapped(file, offset, length))

    def sync_mapped(self, file, opener):
        if self.contents[file].data:
            offset, length = self.part(file)
            opener.sync_mapped(file, offset, length)
            self.contents[file].sent(offset, offset + length)

    def cut(self, file, opener):
        size = self.aligned(self.random.randint(0, len(self.contents[file].data)))
        self.resize(file, opener, size)

    def grow(self, file, opener):
        size = self.random.randint(len(self.contents[file].data), LIMITS[file])
        self.resize(file, opener, size)

    def resize(self, file, opener, size):
        self.detail(size)
        content = self.contents[file]
        shorter = size < len(content.data)
        content.resize(size)
        opener.truncate(file, size)
        content.sizes = {size}
        if shorter:
            content.sent(size, LIMITS[file] + PAGE)
            content.cut(size)

    def allocate(self, file, opener):
        offset, length = self.place(file)
        content = self.contents[file]
        content.resize(max(len(content.data), offset + length))
        opener.allocate(file, 0, offset, length)

    def allocate_behind(self, file, opener):
        opener.allocate(file, KEEP_SIZE, *self.place(file))

    def punch(self, file, opener):
        self.zeros(file, opener, PUNCH_HOLE | KEEP_SIZE)

    def zero(self, file, opener):
        self.zeros(file, opener, ZERO_RANGE | self.random.choice([0, KEEP_SIZE]))

    def zeros(self, file, opener, mode):
        offset, length = self.place(file)
        self.detail(mode)
        content = self.contents[file]
        end = offset + length
        if mode & KEEP_SIZE:
            end = min(end, len(content.data))
        if end > offset:
            content.change(offset, bytes(end - offset))
        opener.allocate(file, mode, offset, length)
        if end > offset:
            content.sent(offset, end)
            content.clear(offset, end)

    def copy(self, file, opener):
        source = self.random.randrange(len(LIMITS))
        if not self.contents[source].data:
            return
        self.detail('from', source)
        source_offset, length = self.part(source)
        target_offset = self.aligned(self.random.randint(0, min(len(self.contents[file].data), LIMITS[file])))
        length = min(length, LIMITS[file] - target_offset)
        self.detail(target_offset, length)
        if length <= 0 or source == file and abs(source_offset - target_offset) < length:
            return
        data = bytes(self.contents[source].data[source_offset:source_offset + length])
        self.contents[file].change(target_offset, data)
        done = 0
        while done < length:
            copied = opener.copy(source, file, length - done, source_offset + done, target_offset + done)
            if copied <= 0:
                raise Wrong('expected %d bytes to be copied, found %d after %d' % (length, copied, done))
            done += copied

    def holes(self, file, opener):
        """A hole must be zeros; what is not said to be data must be a hole, up to the end."""
        content = self.contents[file].data
        offset = self.aligned(self.random.randint(0, len(content)))
        self.detail(offset)
        data = opener.seek(file, offset, os.SEEK_DATA)
        if offset >= len(content):
            if data is not None:
                raise Wrong('SEEK_DATA at the end: expected ENXIO, found %d' % data)
            return
        end = len(content) if data is None else data
        if not offset <= end <= len(content) or content.count(0, offset, end) != end - offset:
            raise Wrong('SEEK_DATA from %d: expected no data before %s of %d' % (offset, data, len(content)))
        hole = opener.seek(file, offset, os.SEEK_HOLE)
        if hole is None or not offset <= hole <= len(content) or (data is not None and data == offset) == (hole == offset):
            raise Wrong('SEEK_HOLE from %d of %d: found %s, and data at %s' % (offset, len(content), hole, data))
        if hole < len(content):
            after = opener.seek(file, hole, os.SEEK_DATA)
            end = len(content) if after is None else after
            if end <= hole or content.count(0, hole, end) != end - hole:
                raise Wrong('SEEK_HOLE from %d: found %d, which is no hole' % (offset, hole))

    def sync(self, file, opener):
        opener.sync(file)
        self.contents[file].sent()

    def sync_data(self, file, opener):
        opener.sync_data(file)
        self.contents[file].sent()

    def close(self, file, opener):
        opener.stat(file)
        opener.close(file)
        self.contents[file].sent()

    def drop(self, file, opener):
        opener.drop(file)

    def unmap(self, file, opener):
        opener.unmap(file)

    def empty(self, file, opener):
        self.contents[file].resize(0)
        opener.empty(file)
        self.contents[file].sent()

    def compare(self, file, opener):
        size = len(self.contents[file].data)
        found = opener.read(file, 0, size + 1)
        self.expect(file, 0, size + 1, found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--operations', type=int, required=True)
    parser.add_argument('--unaligned', action='store_true', help='O_DIRECT at any offset, which ext4 refuses')
    parser.add_argument('--kill', type=int)
    parser.add_argument('--kill-at', type=int)
    parser.add_argument('--state')
    parser.add_argument('--resume')
    options = parser.parse_args()
    started = time.monotonic()
    run = None
    try:
        run = Run(options)
        finished = run.run()
    except Wrong as wrong:
        print('seed=%d operation=%d: %s' % (options.seed, run.index if run else -1, wrong))
        for entry in run.history if run else []:
            print('  ', *entry)
        sys.stdout.flush()
        os._exit(1)
    if not finished:
        with open(options.state, 'wb') as state:
            pickle.dump(run.contents, state)
    print('seed=%d operations=%d seconds=%.1f%s' % (
        options.seed, run.index + 1, time.monotonic() - started, '' if finished else ' killed'))
    sys.stdout.flush()
    os._exit(0)


main()
