// Definitions of libc's names in the program itself: every library of the process calls these instead.
#define _GNU_SOURCE
#include "slow_disk.h"
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char switch_path[512];
static char slow_folder[512];
static int delay_milliseconds;

void teeline_slow_disk(const char *path, const char *folder, int milliseconds) {
    strncpy(switch_path, path, sizeof switch_path - 1);
    strncpy(slow_folder, folder, sizeof slow_folder - 1);
    delay_milliseconds = milliseconds;
}

static void stall(void) {
    struct timespec time = {delay_milliseconds / 1000, delay_milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static int is_on(void) { return delay_milliseconds > 0 && access(switch_path, F_OK) == 0; }

static int is_slow(int descriptor) {
    if (!is_on()) return 0;
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, slow_folder, strlen(slow_folder)) == 0;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (is_slow(descriptor)) stall();
    return syscall(SYS_write, descriptor, bytes, count);
}

int fsync(int descriptor) {
    if (is_slow(descriptor)) stall();
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    if (is_slow(descriptor)) stall();
    return (int)syscall(SYS_fdatasync, descriptor);
}

int mkdir(const char *path, mode_t mode) {
    if (is_on() && strncmp(path, slow_folder, strlen(slow_folder)) == 0) stall();
    return (int)syscall(SYS_mkdir, path, mode);
}
