// What Glibc's Swift module does not show: epoll, eventfd, timerfd, per-thread priority, the state of the clock.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/sendfile.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

/// The kernel's id of the calling thread (gettid), for setpriority on one thread only.
static inline int teeline_thread_id(void) { return (int)syscall(SYS_gettid); }

/// Makes the calling thread nicer (0…19) than its siblings; returns 0 or -1 with errno.
static inline int teeline_set_thread_nice(int nice) {
    return setpriority(PRIO_PROCESS, (id_t)teeline_thread_id(), nice);
}

/// Tells the scheduler that the calling thread computes at length: when it wakes it takes the processor from nobody
/// (SCHED_BATCH, sched(7)). Returns 0 or -1 with errno.
static inline int teeline_set_thread_batch(void) {
    struct sched_param parameters = {0};
    // 3 is SCHED_BATCH in linux/sched.h; glibc shows the name for _GNU_SOURCE only.
    return sched_setscheduler(0, 3, &parameters);
}

/// Names the calling thread; the kernel keeps 15 bytes.
static inline int teeline_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Declared by glibc for _GNU_SOURCE only: writes back everything of the file system that `fd` lies on.
extern int syncfs(int fd);
