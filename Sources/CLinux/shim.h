// What Glibc's Swift module does not show: epoll, eventfd, timerfd, per-thread priority.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/sendfile.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <unistd.h>

/// The kernel's id of the calling thread (gettid), for setpriority on one thread only.
static inline int teeline_thread_id(void) { return (int)syscall(SYS_gettid); }

/// Makes the calling thread nicer (0…19) than its siblings; returns 0 or -1 with errno.
static inline int teeline_set_thread_nice(int nice) {
    return setpriority(PRIO_PROCESS, (id_t)teeline_thread_id(), nice);
}

#include <sys/prctl.h>

/// Names the calling thread (15 bytes are kept); prctl is variadic, which Swift cannot call.
static inline void teeline_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

/// Declared by glibc for _GNU_SOURCE only: writes back everything of the file system that `fd` lies on.
extern int syncfs(int fd);
