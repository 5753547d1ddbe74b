// A disk that stands still while a switch file exists: stands before libc's calls in a test's server.
#ifndef TEELINE_SLOW_DISK_H
#define TEELINE_SLOW_DISK_H
/// Calls on files under `folder` take `milliseconds` more while the file `path` exists.
void teeline_slow_disk(const char *path, const char *folder, int milliseconds);
#endif
