"""A thousand open files without a name: readable and writable, and still what they were when others are made."""

import os, sys

count, size = 1000, 100_000
descriptors = []
for i in range(count):
    fd = os.open('u%d' % i, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.pwrite(fd, bytes([i % 251]) * size, 0)
    descriptors.append(fd)
for i, fd in enumerate(descriptors):
    os.unlink('u%d' % i)
assert os.listdir('.') == []
for i, fd in enumerate(descriptors):
    os.pwrite(fd, b'end', size)
    os.fdatasync(fd)
    assert os.fstat(fd).st_nlink == 0 and os.fstat(fd).st_size == size + 3
for i in range(100):
    os.close(os.open('v%d' % i, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
print('ready', flush=True)
sys.stdin.readline()
for i, fd in enumerate(descriptors):
    assert os.pread(fd, size + 10, 0) == bytes([i % 251]) * size + b'end', i
for i in range(100):
    os.unlink('v%d' % i)
for fd in descriptors:
    os.close(fd)
print('closed', flush=True)
