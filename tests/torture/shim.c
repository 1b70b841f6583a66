/* Stands between a process and the disk (LD_PRELOAD): counts what it changes below one folder, and at the n-th change
 * kills the process, tears the write, or refuses. Every change may be kept in a journal, of which power cuts are made.
 * Not armed, it lets everything pass. The names of the modes are those of shim.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { COUNT, KILL, TEAR, FULL, FAULT };
enum { STORE = 'w', RESIZE = 't', SYNC = 's', CREATE = 'c', RENAME = 'r', LINK = 'l', UNLINK = 'u', MKDIR = 'm', RMDIR = 'd' };

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static char root[PATH_MAX];
static size_t root_length;
static int mode, journal = -1;
static long changes, stop_at;
static pthread_mutex_t one_at_a_time = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* `folder` has no slash at its end. From here on: changes are counted from 1; the `at`-th is the fatal one. */
void shim_arm(const char *folder, int how, long at, const char *journal_file) {
    if (journal >= 0) close(journal);
    journal = -1;
    if (journal_file) {
        int (*really_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
        journal = really_open(journal_file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    }
    changes = 0;
    stop_at = at;
    mode = how;
    root_length = strlen(strcpy(root, folder));
}

long shim_changes(void) { return changes; }
void shim_disarm(void) { root_length = 0; }

/* A line of the journal by the harness itself: what was told to be safe so far. */
static void put(const void *data, size_t length) {
    ssize_t (*really_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    while (length > 0) {
        ssize_t done = really_write(journal, data, length);
        if (done <= 0) _exit(97);
        data = (const char *)data + done;
        length -= done;
    }
}

static void note(char what, const char *path, int64_t offset, const void *data, uint64_t length) {
    if (journal < 0) return;
    uint32_t path_length = strlen(path);
    put(&what, 1);
    put(&offset, 8);
    put(&path_length, 4);
    put(path, path_length);
    put(&length, 8);
    put(data, length);
}

void shim_note(const char *text) {
    pthread_mutex_lock(&one_at_a_time);
    note('!', text, changes, "", 0);
    pthread_mutex_unlock(&one_at_a_time);
}

static int below(const char *path) {
    return root_length && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* Whether the open file lies below the folder and has a name; its path. */
static int file_below(int fd, char *path) {
    char link[64];
    if (!root_length || fd == journal) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path) && !strstr(path, " (deleted)");
}

static int path_below(int folder, const char *name, char *path) {
    if (!root_length) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char base[PATH_MAX], link[64];
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, PATH_MAX - 1);
        if (length < 0) return 0;
        base[length] = 0;
        snprintf(path, PATH_MAX, "%.2000s/%.2000s", base, name);
    }
    return below(path);
}

/* One more change is about to be made. `grows`: a full disk would refuse it. Returns an error number or 0. */
static int about_to_change(int grows) {
    changes++;
    if (changes < stop_at || stop_at <= 0) return 0;
    if (mode == KILL) kill(getpid(), SIGKILL);
    if (mode == FULL && grows) return ENOSPC;
    if (mode == FAULT && changes == stop_at) return EIO;
    return 0;
}

static int tears(void) { return mode == TEAR && changes == stop_at; }

/* The whole of one change: BODY makes it, NOTE keeps it. */
#define CHANGE(is_below, grows, type, BODY, NOTE)              \
    if (!(is_below)) return BODY;                              \
    pthread_mutex_lock(&one_at_a_time);                        \
    int refused = about_to_change(grows);                      \
    type result = -1;                                          \
    if (refused) errno = refused;                              \
    else if ((result = BODY) >= 0) { int kept = errno; NOTE; errno = kept; }  \
    if (tears()) kill(getpid(), SIGKILL);                      \
    pthread_mutex_unlock(&one_at_a_time);                      \
    return result

static ssize_t store(int fd, const void *data, size_t length, off_t offset, const char *path) {
    ssize_t (*really_pwrite)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    ssize_t (*really_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    off_t at = offset;
    if (offset < 0) {
        struct stat known;
        at = (fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &known) == 0 ? known.st_size : lseek(fd, 0, SEEK_CUR);
    }
    size_t part = tears() ? length / 2 : length;
    ssize_t done = offset < 0 ? really_write(fd, data, part) : really_pwrite(fd, data, part, offset);
    if (done >= 0) note(STORE, path, at, data, done);
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    char path[PATH_MAX];
    if (!file_below(fd, path)) return real(fd, data, length);
    CHANGE(1, 1, ssize_t, store(fd, data, length, -1, path), );
}

static ssize_t positioned(int fd, const void *data, size_t length, off_t offset) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    char path[PATH_MAX];
    if (!file_below(fd, path)) return real(fd, data, length, offset);
    CHANGE(1, 1, ssize_t, store(fd, data, length, offset, path), );
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return positioned(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return positioned(fd, data, length, offset); }

/* Copying within the kernel is refused below the folder, so that programs copy by writing. */
ssize_t sendfile(int to, int from, off_t *offset, size_t length) {
    REAL(sendfile);
    char path[PATH_MAX];
    if (file_below(to, path)) { errno = EINVAL; return -1; }
    return real(to, from, offset, length);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t length) { return sendfile(to, from, offset, length); }

ssize_t copy_file_range(int from, off64_t *here, int to, off64_t *there, size_t length, unsigned flags) {
    REAL(copy_file_range);
    char path[PATH_MAX];
    if (file_below(to, path)) { errno = EXDEV; return -1; }
    return real(from, here, to, there, length, flags);
}

int fsync(int fd) {
    REAL(fsync);
    char path[PATH_MAX];
    CHANGE(file_below(fd, path), 0, int, real(fd), note(SYNC, path, 0, "", 0));
}

int fdatasync(int fd) {
    REAL(fdatasync);
    char path[PATH_MAX];
    CHANGE(file_below(fd, path), 0, int, real(fd), note(SYNC, path, 0, "", 0));
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    char path[PATH_MAX];
    CHANGE(file_below(fd, path), 0, int, real(fd, length), note(RESIZE, path, length, "", 0));
}

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int fallocate(int fd, int how, off_t offset, off_t length) {
    REAL(fallocate);
    char path[PATH_MAX];
    if (file_below(fd, path)) { errno = EOPNOTSUPP; return -1; } /* as many file systems answer */
    return real(fd, how, offset, length);
}

int fallocate64(int fd, int how, off64_t offset, off64_t length) { return fallocate(fd, how, offset, length); }

static int opened(int folder, const char *name, int flags, mode_t rights) {
    int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, "openat");
    char path[PATH_MAX];
    struct stat known;
    int new = (flags & O_CREAT) && path_below(folder, name, path) && stat(path, &known) != 0;
    int emptied = !new && (flags & O_TRUNC) && path_below(folder, name, path) && !stat(path, &known) && known.st_size;
    CHANGE(new || emptied, new, int, real(folder, name, flags, rights), note(new ? CREATE : RESIZE, path, 0, "", 0));
}

#define OPENING(name, FOLDER, ...)                         \
    int name(__VA_ARGS__, int flags, ...) {                \
        mode_t rights = 0;                                 \
        if (flags & (O_CREAT | O_TMPFILE)) {               \
            va_list more;                                  \
            va_start(more, flags);                         \
            rights = va_arg(more, mode_t);                 \
            va_end(more);                                  \
        }                                                  \
        return opened(FOLDER, path, flags, rights);        \
    }
OPENING(open, AT_FDCWD, const char *path)
OPENING(open64, AT_FDCWD, const char *path)
OPENING(openat, folder, int folder, const char *path)
OPENING(openat64, folder, int folder, const char *path)

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(renameat);
    char one[PATH_MAX], other[PATH_MAX];
    int known = path_below(from_folder, from, one), target = path_below(to_folder, to, other);
    CHANGE(known && target, 0, int, real(from_folder, from, to_folder, to), note(RENAME, one, 0, other, strlen(other)));
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(linkat);
    char one[PATH_MAX], other[PATH_MAX];
    int known = path_below(from_folder, from, one), target = path_below(to_folder, to, other);
    CHANGE(known && target, 0, int, real(from_folder, from, to_folder, to, flags),
           note(LINK, one, 0, other, strlen(other)));
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char *name, int flags) {
    REAL(unlinkat);
    char path[PATH_MAX];
    struct stat known;
    int there = path_below(folder, name, path) && lstat(path, &known) == 0;
    CHANGE(there, 0, int, real(folder, name, flags), note(flags & AT_REMOVEDIR ? RMDIR : UNLINK, path, 0, "", 0));
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t rights) {
    REAL(mkdirat);
    char path[PATH_MAX];
    struct stat known;
    int new = path_below(folder, name, path) && lstat(path, &known) != 0;
    CHANGE(new, 1, int, real(folder, name, rights), note(MKDIR, path, 0, "", 0));
}

int mkdir(const char *name, mode_t rights) { return mkdirat(AT_FDCWD, name, rights); }
