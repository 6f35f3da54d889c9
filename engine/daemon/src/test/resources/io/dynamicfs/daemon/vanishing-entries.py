"""Lists a directory of many entries while another process removes them; what stays must be listed exactly once."""

import os, sys

count, kept_every = int(sys.argv[1]), 100
os.mkdir('d')
for i in range(count):
    os.close(os.open('d/%d' % i, os.O_CREAT | os.O_WRONLY, 0o600))
kept = {str(i) for i in range(0, count, kept_every)}
gone = {str(i) for i in range(count)} - kept
listing = os.scandir('d')
found = [next(listing).name for _ in range(10)]
ours, theirs = os.pipe()
child = os.fork()
if child == 0:
    os.close(ours)
    for i in range(count):
        if i % kept_every:
            os.unlink('d/%d' % i)
        if i == count // 10:
            os.write(theirs, b'x')
    os._exit(0)
os.close(theirs)
os.read(ours, 1)
found += [entry.name for entry in listing]
assert os.waitpid(child, 0)[1] == 0
assert len(found) == len(set(found)), 'listed twice: %s' % [name for name in set(found) if found.count(name) > 1][:10]
assert kept <= set(found), 'not listed: %s' % sorted(kept - set(found))[:10]
assert set(found) <= kept | gone, 'never made: %s' % sorted(set(found) - kept - gone)[:10]
assert set(os.listdir('d')) == kept
for name in kept:
    os.unlink('d/' + name)
os.rmdir('d')
print('listed %d of %d' % (len(found), count))
