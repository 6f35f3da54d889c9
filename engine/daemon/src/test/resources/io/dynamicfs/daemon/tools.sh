#!/bin/bash
# What people do with files all day, in the working directory; prints only what must be the same on every file system.
set -euo pipefail
export LC_ALL=C TZ=UTC GIT_AUTHOR_DATE='2024-02-03T04:05:06Z' GIT_COMMITTER_DATE='2024-02-03T04:05:06Z' GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.c SOURCE_DATE_EPOCH=1700000000
umask 022

# Everything about a tree but inode numbers, sizes of directories and times of change.
show() {
  (cd "$1" && find . -printf '%p %y %m %n %U:%G %T@ %l ' \( -type d -printf '-\n' -o -printf '%s\n' \) | sort
    find . -type f -print0 | sort -z | xargs -0 sha256sum
    find . -print0 | sort -z | xargs -0 getfattr -h -d -m '^(user|security|trusted)' -e hex 2> /dev/null
    ! command -v getfacl > /dev/null || find . ! -type l -print0 | sort -z | xargs -0 getfacl -p -n)
}

# A tree with everything that archives have trouble with. Content from a generator with a seed: the same everywhere.
make_tree() {
  python3 - "$1" << 'PYTHON'
import os, random, sys
top, r = sys.argv[1], random.Random(17)
os.mkdir(top)
for i in range(120):
    directory = '%s/d%d/e%d' % (top, i % 17, i % 5)
    os.makedirs(directory, exist_ok=True)
    with open('%s/f%d' % (directory, i), 'wb') as file:
        file.write(r.randbytes(int(2 ** r.uniform(0, 17))))
    if i % 10 == 0:
        os.link(directory + '/f%d' % i, top + '/hard%d' % i)
    if i % 11 == 0:
        os.symlink('../f%d' % i, directory + '/link%d' % i)
    if i % 13 == 0:
        os.chown(directory + '/f%d' % i, 1000 + i, 2000)
        os.chmod(directory + '/f%d' % i, 0o6755)
    if i % 6 == 0:
        os.setxattr(directory + '/f%d' % i, 'user.note', r.randbytes(i + 1))
        os.setxattr(directory + '/f%d' % i, 'trusted.note', b'x')
os.mkfifo(top + '/fifo')
os.mknod(top + '/null', 0o20666, os.makedev(1, 3))
os.symlink('nowhere', top + '/broken')
open(top + '/' + 'n' * 255, 'w').close()
open(top.encode() + b'/\xff\n strange', 'w').close()
os.mkdir(top + '/sticky')
os.chmod(top + '/sticky', 0o3777)
with open(top + '/sparse', 'wb') as file:
    file.seek(20 << 20)
    file.write(b'x' * 100000)
    file.truncate(40 << 20)
for directory, names, files in sorted(os.walk(top), reverse=True):
    for name in sorted(files) + ['.']:
        os.utime(os.path.join(directory, name), ns=(0, r.randrange(-10 ** 17, 16 * 10 ** 17)), follow_symlinks=False)
PYTHON
  if command -v setfacl > /dev/null; then
    setfacl -m u:1234:rw,g:2345:r "$1/d1/e1/f1"
    setfacl -d -m u:1234:rwx "$1/d2"
    touch -d '2001-02-03 04:05:06.789' "$1/d1/e1/f1" "$1/d2"
  fi
}

archives() {
  make_tree tree
  show tree
  tar --warning=no-timestamp --xattrs --xattrs-include='*' --acls -S -cf tree.tar tree
  mkdir untarred && tar --warning=no-timestamp --xattrs --xattrs-include='*' --acls -S -xpf tree.tar -C untarred
  show untarred/tree | diff <(show tree) - && echo tar is the same
  tar --warning=no-timestamp -df tree.tar && echo tar finds no difference
  (cd tree && find . -depth -print0 | cpio -0 -o -H newc --quiet) > tree.cpio
  mkdir uncpio && (cd uncpio && cpio -idm --quiet < ../tree.cpio)
  diff <(cd tree && find . -type f -printf '%p %y %m %n %U:%G %Ts %l %s\n' | sort) \
    <(cd uncpio && find . -type f -printf '%p %y %m %n %U:%G %Ts %l %s\n' | sort) && echo cpio is the same
  diff -r --no-dereference tree/d3 uncpio/d3 && cmp tree/sparse uncpio/sparse && echo contents too
  rm -r uncpio tree.cpio
  for round in first second; do
    rsync -aHAXS --delete tree/ synced/
    rsync -aHAXS --delete --checksum -n -i tree/ synced/
    echo "nothing left to do after the $round"
  done
  show synced | diff <(show tree) - && echo rsync is the same
  [ "$(du -k synced/sparse | cut -f1)" -lt 1000 ] && echo sparse files are sparse
  cp -a tree copied
  show copied | diff <(show tree) - && echo cp is the same
  for way in auto never; do
    cp --reflink=$way --preserve=all tree/sparse copied/$way && cmp tree/sparse copied/$way && echo "reflink=$way"
  done
  ! cp --reflink=always tree/sparse copied/always 2> /dev/null && echo reflink=always is refused
  rm -rf tree untarred synced copied tree.tar
  find . | wc -l
}

versions() {
  git init -q -b main origin
  cd origin
  for commit in $(seq 6); do
    for file in $(seq 40); do
      mkdir -p "d$((file % 9))"
      seq $((commit * file)) > "d$((file % 9))/f$((file * commit % 97))"
    done
    git add -A
    git commit -q -m "commit $commit"
  done
  git tag -a -m tag v1
  git checkout -q -b side HEAD~3
  echo side > side && git add side && git commit -q -m side
  git merge -q -m merge main
  git rev-parse HEAD main side
  cd ..
  git clone -q origin clone
  git clone -q --no-hardlinks --mirror origin mirror
  cd clone
  git fsck --full --strict 2>&1
  git gc -q --prune=now
  git repack -q -a -d -f
  git fsck --full --strict 2>&1
  git status --porcelain
  git rev-parse HEAD
  git log --format=%H | sha256sum
  git ls-files -s | sha256sum
  git worktree add -q ../tree-of-main origin/main
  git -C ../tree-of-main status --porcelain
  git stash list
  git bundle create -q ../bundle --all
  git bundle verify -q ../bundle 2> /dev/null && echo bundle is good
  cd ..
  git -C mirror fsck --full --strict 2>&1
  git -C mirror count-objects | cut -d, -f1
  rm -rf origin clone mirror tree-of-main bundle
}

packages() {
  mkdir -p package/DEBIAN package/usr/share/thing package/etc
  cat > package/DEBIAN/control << 'TEXT'
Package: thing
Version: 1.0
Architecture: all
Maintainer: a <a@b.c>
Description: a thing
TEXT
  for i in $(seq 100); do seq $((i * 100)) > "package/usr/share/thing/f$i"; done
  ln -s f1 package/usr/share/thing/link
  chmod 600 package/etc
  find package -exec touch -h -d '2020-01-01 00:00:00' {} +
  dpkg-deb --root-owner-group -b package thing.deb > /dev/null
  sha256sum thing.deb
  dpkg-deb -c thing.deb
  dpkg-deb -R thing.deb unpacked
  diff -r --no-dereference package unpacked && echo the same
  show unpacked/usr
  rm -rf package unpacked thing.deb
}

# Arguments: a JDK. Sources that need each other, compiled and run from a jar.
build() {
  local jdk=$1
  mkdir -p source/p classes
  for i in $(seq 0 100); do
    echo "package p; public class C$i { public static long get() { return $i + $([ "$i" = 0 ] && echo 0 || echo "C$((i - 1)).get()"); }
      record Part$i(int a, String b) {} interface Call$i { Part$i call(); } }" > "source/p/C$i.java"
  done
  echo 'package p; public class Main { public static void main(String[] a) { System.out.println(C100.get()); } }' > source/p/Main.java
  "$jdk/bin/javac" -J-Xmx256m -d classes source/p/*.java
  find classes -type f | sort | xargs sha256sum | sha256sum
  "$jdk/bin/jar" --create --file main.jar --main-class p.Main --date 2020-01-01T00:00:00Z -C classes .
  "$jdk/bin/java" -Xmx64m -jar main.jar
  rm -rf source classes main.jar
}

# Arguments: a JDK. A project with resources, built by Maven from what this build has downloaded already.
maven() {
  export JAVA_HOME=$1
  mkdir -p project/src/main/java/p project/src/main/resources
  cat > project/pom.xml << TEXT
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>p</groupId><artifactId>project</artifactId>
<version>1</version><properties><maven.compiler.release>21</maven.compiler.release>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
<project.build.outputTimestamp>2020-01-01T00:00:00Z</project.build.outputTimestamp></properties>
<build><plugins>
<plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.1</version></plugin>
<plugin><artifactId>maven-compiler-plugin</artifactId><version>3.14.1</version></plugin>
<plugin><artifactId>maven-jar-plugin</artifactId><version>3.4.2</version></plugin>
</plugins></build></project>
TEXT
  for i in $(seq 60); do echo "package p; public class C$i { int a = $i; }" > "project/src/main/java/p/C$i.java"; done
  for i in $(seq 60); do seq "$i" > "project/src/main/resources/r$i"; done
  (cd project && mvn -q -o -B resources:resources compiler:compile jar:jar 2>&1 | grep -E 'ERROR' || true)
  sha256sum project/target/project-1.jar
  rm -rf project
}

"$@"
