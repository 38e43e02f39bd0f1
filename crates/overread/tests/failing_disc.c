/* A disc in trouble, for tests: loaded before the C library, it makes the files below one folder fail or wait.
 * Below $OVERREAD_TEST_TROUBLE, the file `read-only` makes every change fail, as on a file system that the kernel made
 * read-only after an error; `still` makes syncing wait for as long as it is there, and `still-packs` that of packs. Whoever
 * waits says so by `waiting`. `unreadable` makes the second block of each pack fail when it is read. The folder in trouble is
 * $OVERREAD_TEST_DISC. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int is_told(const char *name) {
  const char *folder = getenv("OVERREAD_TEST_TROUBLE");
  char path[PATH_MAX];
  if (!folder) return 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return access(path, F_OK) == 0;
}

static int is_below(const char *path) {
  const char *disc = getenv("OVERREAD_TEST_DISC");
  return disc && path && strncmp(path, disc, strlen(disc)) == 0;
}

/* Returns where the file of a descriptor is. */
static const char *place(int fd, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length < 0 ? 0 : length] = 0;
  return path;
}

static int refuses(const char *path) {
  if (!is_below(path) || !is_told("read-only")) return 0;
  errno = EROFS;
  return 1;
}

static int refuses_fd(int fd) {
  char path[PATH_MAX];
  return refuses(place(fd, path));
}

static void wait_fd(int fd) {
  char path[PATH_MAX], waiting[PATH_MAX];
  if (!is_below(place(fd, path))) return;
  const char *folder = getenv("OVERREAD_TEST_TROUBLE");
  while (is_told("still") || (is_told("still-packs") && strstr(path, ".pack"))) {
    snprintf(waiting, sizeof waiting, "%s/waiting", folder);
    int told = open(waiting, O_CREAT | O_WRONLY, 0600);
    if (told >= 0) close(told);
    struct timespec moment = {0, 2000000};
    nanosleep(&moment, NULL);
  }
}

static int fails_to_read(int fd, size_t count, off64_t begin) {
  char path[PATH_MAX];
  if (begin >= 8192 || begin + (off64_t)count <= 4096 || !is_told("unreadable")) return 0;
  if (!is_below(place(fd, path)) || !strstr(path, ".pack")) return 0;
  errno = EIO;
  return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define CHANGE_FD(name, params, ...) int name params { REAL(name); return refuses_fd(fd) ? -1 : real(__VA_ARGS__); }
#define WRITE_FD(name, params, ...) ssize_t name params { REAL(name); return refuses_fd(fd) ? -1 : real(__VA_ARGS__); }
#define CHANGE(name, params, ...) int name params { REAL(name); return refuses(path) ? -1 : real(__VA_ARGS__); }
#define SYNC(name) int name(int fd) { REAL(name); wait_fd(fd); return refuses_fd(fd) ? -1 : real(fd); }
#define OPEN(name, params, ...) \
  int name params { \
    REAL(name); \
    va_list rest; va_start(rest, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    int writes = (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0; \
    return writes && refuses(path) ? -1 : real(__VA_ARGS__, mode); \
  }

OPEN(open, (const char *path, int flags, ...), path, flags)
OPEN(open64, (const char *path, int flags, ...), path, flags)
OPEN(openat, (int at, const char *path, int flags, ...), at, path, flags)
OPEN(openat64, (int at, const char *path, int flags, ...), at, path, flags)
WRITE_FD(write, (int fd, const void *bytes, size_t count), fd, bytes, count)
WRITE_FD(pwrite, (int fd, const void *bytes, size_t count, off_t place), fd, bytes, count, place)
WRITE_FD(pwrite64, (int fd, const void *bytes, size_t count, off64_t place), fd, bytes, count, place)
WRITE_FD(writev, (int fd, const struct iovec *pieces, int count), fd, pieces, count)
CHANGE_FD(ftruncate, (int fd, off_t length), fd, length)
CHANGE_FD(ftruncate64, (int fd, off64_t length), fd, length)
CHANGE_FD(fallocate64, (int fd, int mode, off64_t begin, off64_t length), fd, mode, begin, length)
CHANGE_FD(fchmod, (int fd, mode_t mode), fd, mode)
CHANGE(unlink, (const char *path), path)
CHANGE(mkdir, (const char *path, mode_t mode), path, mode)
CHANGE(rename, (const char *path, const char *to), path, to)
CHANGE(link, (const char *path, const char *to), path, to)
SYNC(fsync)
SYNC(fdatasync)

ssize_t pread64(int fd, void *bytes, size_t count, off64_t begin) {
  REAL(pread64);
  return fails_to_read(fd, count, begin) ? -1 : real(fd, bytes, count, begin);
}
