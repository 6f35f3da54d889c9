# What ./dynamicfs and ./verify share. Sourced, never run.

JAVA_FEATURE_MIN=25

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# Exit code 8: this machine lacks something (docs/cli.md).
lacks() {
  say "$*"
  exit 8
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# The feature release of the JDK in $1, from its release file; nothing when there is none.
jdk_feature() {
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 0
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

# Sets JAVA_HOME to a JDK that is new enough, or ends the script and says what was found.
find_jdk() {
  local home feature found=""
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    [ -n "$home" ] && [ -d "$home" ] || continue
    feature=$(jdk_feature "$home")
    [ -n "$feature" ] || continue
    if [ "$feature" -ge "$JAVA_FEATURE_MIN" ] && [ -x "$home/bin/javac" ]; then
      export JAVA_HOME=$home
      return
    fi
    found="$found $home (Java $feature)"
  done
  lacks "expected a JDK $JAVA_FEATURE_MIN or later in JAVA_HOME or /usr/lib/jvm, found${found:- none}." \
    "Install one, or say where it is: JAVA_HOME=/path/to/jdk $0"
}

# Installs Debian packages where that is possible; otherwise says which are missing. Never fails.
install_packages() {
  [ $# -gt 0 ] || return 0
  if ! is_root || ! command -v apt-get > /dev/null; then
    say "not installed: $*. As root: apt-get install $*"
    return 0
  fi
  say "installing: $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -q --no-install-recommends "$@" > /dev/null 2>&1 && return 0
  apt-get update -q > /dev/null 2>&1 || true
  apt-get install -y -q --no-install-recommends "$@" > /dev/null 2>&1 && return 0
  local package
  for package in "$@"; do
    apt-get install -y -q --no-install-recommends "$package" > /dev/null 2>&1 \
      || say "could not install $package"
  done
}

# Newer systems have renamed it.
libfuse2_package() {
  if apt-cache show libfuse2t64 > /dev/null 2>&1; then echo libfuse2t64; else echo libfuse2; fi
}

need_maven() {
  command -v mvn > /dev/null || install_packages maven
  command -v mvn > /dev/null || lacks "expected Maven (mvn), found none. Install it with: apt-get install maven"
}

# Maven 3 warns about its own libraries on new JDKs; that says nothing about this project.
quiet_maven() {
  export MAVEN_OPTS="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS:-}"
}
